// The first safe column is searched in place, every other one by a goroutine.
package main

const maxSize = 16

// Board holds the column of the queen in each row so far.
type Board [maxSize]int8

func (b *Board) safe(row, column int) bool {
	for above := 0; above < row; above++ {
		distance := int(b[above]) - column
		if distance == 0 || distance == row-above || distance == above-row {
			return false
		}
	}
	return true
}

func (b Board) placed(row, column int) Board {
	b[row] = int8(column)
	return b
}

func queens(board Board, row, size int) uint64 {
	if row == size {
		return 1
	}
	own := 0
	for own < size && !board.safe(row, own) {
		own++
	}
	if own == size {
		return 0
	}
	others := make(chan uint64, size)
	branches := 0
	for column := own + 1; column < size; column++ {
		if board.safe(row, column) {
			branches++
			go func(next Board) { others <- queens(next, row+1, size) }(board.placed(row, column))
		}
	}
	found := queens(board.placed(row, own), row+1, size)
	for ; branches > 0; branches-- {
		found += <-others
	}
	return found
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		passes.End(queens(Board{}, 0, passes.Size))
	}
	passes.Report()
}
