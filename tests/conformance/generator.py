"""Random asyncio programs, as data: one JSON array each, the same for a seed on every machine and Python version.

    [number of plain futures, [body, ...], [callback, ...], [shared, ...]]

A body is what a coroutine does, a callback what call_soon, call_later and add_done_callback run: a list of statements
["verb", argument...]. Handles live in numbered slots: first the plain futures, then body 0's task ("main"), then what
the program creates. A *ref* is a slot, 100 + n for a new coroutine of body n, or -1 for the current task. Delays are
milliseconds, null is no time limit. What the tasks share are locks and queues: ["kind", number], as shared_objects.py
says; a statement names them by their place in the list. interpreter.py and interpreter.cpp give the verbs their meaning, to the line of the
trace alike. Body n starts only bodies above n, callback n only callbacks above n: every program ends.
"""

MASK = (1 << 64) - 1
COROUTINE = 100  # refs from here on are coroutines
SELF = -1
TASK_SLOTS = 5
OTHER_SLOTS = 4  # gathers and shields


class Random:
    """SplitMix64."""

    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return (self.next() >> 16) % n

    def chance(self, percent):
        return self.below(100) < percent

    def pick(self, items):
        return items[self.below(len(items))]


# verb: weight in bodies, weight in callbacks
WEIGHTS = {
    "sleep": (16, 0),
    "await": (16, 0),
    "new": (9, 5),
    "cancel": (9, 12),
    "setr": (6, 9),
    "sete": (3, 4),
    "try": (11, 0),
    "timeout": (6, 0),
    "waitfor": (6, 0),
    "wait": (4, 0),
    "gather": (5, 3),
    "shield": (4, 2),
    "asc": (4, 0),
    "group": (5, 0),
    "tgnew": (0, 2),
    "soon": (2, 3),
    "later": (3, 3),
    "hcancel": (1, 1),
    "adc": (3, 2),
    "rdc": (1, 1),
    "uncancel": (2, 1),
    "count": (2, 1),
    "res": (2, 2),
    "resched": (1, 2),
    "scope": (1, 1),
    "repeat": (2, 0),
    "ifdone": (2, 2),
    "raise": (2, 0),
    "ret": (2, 0),
    "log": (2, 2),
}
# More of them in programs that share something.
SHARED_WEIGHTS = {
    "ask": (40, 40),
    "want": (90, 0),
    "hold": (15, 0),
}
# Many of these programs do little else.
SHARED_VERBS = ("sleep", "new", "cancel", "try", "timeout", "soon", "repeat", "log", *SHARED_WEIGHTS)
LAST_WORDS = ("raise", "ret")  # nothing after them runs
FRAGILE = ("await", "waitfor", "timeout", "group", "asc", "wait", "sleep", "want", "hold")  # they may raise

LOCKS = ("lock", "semaphore", "bounded", "condition")
QUEUES = ("queue", "priority", "lifo")
# What can be asked of each kind at once, and what may suspend; the likelier, the oftener.
ASKS = {kind: ("release", "look") for kind in LOCKS} | {
    "condition": ("notify", "notify", "notify", "notify_all", "release", "look"),
    "event": ("set", "set", "clear", "look"),
    "barrier": ("look",),
} | {kind: ("put_nowait",) * 6 + ("get_nowait",) * 2 + ("task_done",) * 4 + ("look", "shutdown") for kind in QUEUES}
WANTS = {kind: ("acquire",) for kind in LOCKS} | {
    "condition": ("wait", "wait", "wait", "wait_for", "acquire"),
    "event": ("wait",),
    "barrier": ("wait",) * 8 + ("reset", "abort"),
} | {kind: ("put",) * 6 + ("get",) * 5 + ("join",) for kind in QUEUES}


class Generator:
    def __init__(self, seed):
        self.random = Random(seed)
        # The first numbers of neighbouring seeds are unrelated.
        r = self.random
        self.shared = self.shared_objects() if r.chance(60) else []
        weights = WEIGHTS | SHARED_WEIGHTS if self.shared else WEIGHTS
        if self.shared and r.chance(60):
            weights = {verb: weights[verb] for verb in SHARED_VERBS}
        # Others are drills: some tasks wait, and the first one grants and cancels.
        self.drill = bool(self.shared) and r.chance(40)
        self.weights = [
            [(verb, pair[where]) for verb, pair in weights.items() if pair[where]]
            for where in (0, 1)
        ]
        # Each program favours some verbs: rare mixtures come up, too.
        for table in self.weights:
            for i, (verb, weight) in enumerate(table):
                table[i] = (verb, weight * r.pick((1, 1, 2, 2, 2, 6)))
        self.totals = [sum(weight for _, weight in table) for table in self.weights]
        self.delays = r.pick(((0, 0, 1, 2, 3), (0, 1, 1, 2, 5), (0, 0, 0, 1), (1, 2, 3, 5, 8), (0, 0, 1, 10)))
        self.futures = 1 + r.below(3)
        self.bodies = 2 + r.below(5)
        self.callbacks = r.below(5)
        self.task_slots = [self.futures + i for i in range(TASK_SLOTS)]
        self.other_slots = [self.futures + TASK_SLOTS + i for i in range(OTHER_SLOTS)]
        self.slots = self.futures + TASK_SLOTS + OTHER_SLOTS
        self.eager = r.pick((0, 0, 10, 50))
        self.groups = 0
        self.scopes = 0
        self.in_groups = []
        self.in_scopes = []
        self.in_holds = []
        self.room = 0

    def program(self):
        bodies = [self.body(n) for n in range(self.bodies)]
        callbacks = [self.callback(n) for n in range(self.callbacks)]
        return [self.futures, bodies, callbacks, self.shared]

    def shared_objects(self):
        """Few of them, so that many want the same."""
        r = self.random
        shared = []
        for _ in range(r.pick((1, 1, 2, 3))):
            kind = r.pick(("lock", "event", "condition", "condition", "semaphore", "bounded", "barrier", "queue", "queue",
                           "priority", "lifo"))
            if kind == "condition":
                locks = [place for place, (other, _) in enumerate(shared) if other == "lock"]
                number = r.pick(locks) if locks else -1
            elif kind == "barrier":
                number = 1 + r.below(3)
            else:
                number = r.below(3)
            shared.append([kind, number])
        return shared

    def body(self, number):
        r = self.random
        self.here = number
        self.in_callback = False
        self.room = 5 + r.below(18)
        if self.drill:
            return self.drilled(number)
        start = []
        if number == 0:
            for i in range((2 if self.shared else 1) + r.below(4)):
                start.append(["new", self.task_slots[1 + i % (TASK_SLOTS - 1)], self.later_body(), self.flags()])
        return start + self.block(0, 1 + r.below(6))

    def drilled(self, number):
        r = self.random
        if number > 0:
            wish = None
            while wish is None:
                wish = self.make_want(0)
            return [wish, *self.block(0, r.below(4))]
        steps = [["new", slot, self.later_body(), self.flags()] for slot in self.task_slots[1:]]
        steps.append(["sleep", 0])
        for _ in range(5 + r.below(8)):
            choice = r.below(10)
            if choice < 5:
                steps.append(self.make_ask(0))
            elif choice < 8:
                steps.append(["cancel", r.pick(self.task_slots[1:]), self.message()])
            else:
                steps.append(["sleep", 0])
        return steps

    def callback(self, number):
        self.here = number
        self.in_callback = True
        self.room = 4
        return self.block(2, 1 + self.random.below(3))

    def block(self, depth, length):
        block = []
        for _ in range(length):
            if self.room <= 0:
                break
            self.room -= 1
            statement = self.statement(depth)
            if depth == 0 and statement[0] in FRAGILE and self.random.chance(50):
                # Otherwise most bodies end with their first failure.
                handlers = [["X", []]] + ([["C", []]] if self.random.chance(40) else [])
                statement = ["try", [statement], handlers, []]
            block.append(statement)
            if statement[0] in LAST_WORDS:
                break
        return block

    def statement(self, depth):
        r = self.random
        where = 1 if self.in_callback else 0
        while True:
            at = r.below(self.totals[where])
            for verb, weight in self.weights[where]:
                at -= weight
                if at < 0:
                    break
            if depth >= 4 and verb in ("try", "timeout", "group", "repeat", "ifdone", "hold"):
                continue
            if verb in LAST_WORDS and r.chance(50):
                continue
            if self.in_groups and r.chance(15):
                verb = "tgnew"
            if self.in_holds and r.chance(35):
                verb = "want" if r.chance(60) and not self.in_callback else "ask"
            if self.in_scopes and r.chance(3):
                verb = r.pick(("resched", "scope"))
            statement = getattr(self, "make_" + verb)(depth)
            if statement is not None:
                return statement

    # --- arguments ---

    def delay(self):
        return self.random.pick(self.delays)

    def limit(self):
        r = self.random
        choice = r.below(12)
        return None if choice == 0 else -1 if choice == 1 else self.delay()

    def slot(self):
        r = self.random
        choice = r.below(10)
        if choice < 3:
            return r.below(self.futures)
        return r.pick(self.task_slots) if choice < 8 else r.pick(self.other_slots)

    def slot_or_self(self):
        return SELF if not self.in_callback and self.random.chance(25) else self.slot()

    def later_body(self):
        first = 1 if self.in_callback else self.here + 1
        return first + self.random.below(self.bodies - first) if first < self.bodies else None

    def later_callback(self):
        first = self.here + 1 if self.in_callback else 0
        return first + self.random.below(self.callbacks - first) if first < self.callbacks else None

    def coroutine(self):
        body = self.later_body()
        return None if body is None else COROUTINE + body

    def ref(self):
        if self.random.chance(30):
            coroutine = self.coroutine()
            if coroutine is not None:
                return coroutine
        return self.slot()

    def refs_of_one_kind(self, most):
        r = self.random
        count = 1 + r.below(most)
        if r.chance(35) and self.later_body() is not None:
            return [self.coroutine() for _ in range(count)]
        return [self.slot() for _ in range(count)]

    def flags(self):
        return 1 if self.random.chance(self.eager) else 0

    def message(self):
        return self.random.pick(("", "", "m1", "m2"))

    # --- statements ---

    def make_log(self, depth):
        return ["log", self.random.below(100)]

    def make_sleep(self, depth):
        return ["sleep", self.delay()]

    def make_await(self, depth):
        return ["await", self.ref()]

    def make_new(self, depth):
        body = self.later_body()
        return None if body is None else ["new", self.random.pick(self.task_slots[1:]), body, self.flags()]

    def make_cancel(self, depth):
        return ["cancel", self.slot_or_self(), self.message()]

    def make_setr(self, depth):
        return ["setr", self.random.below(self.futures), self.random.below(50)]

    def make_sete(self, depth):
        r = self.random
        return ["sete", r.below(self.futures), -1 if r.chance(10) else r.below(4)]

    def make_uncancel(self, depth):
        return ["uncancel", self.slot_or_self()]

    def make_count(self, depth):
        return ["count", self.slot_or_self()]

    def make_res(self, depth):
        return ["res", self.slot()]

    def make_soon(self, depth):
        callback = self.later_callback()
        return None if callback is None else ["soon", callback, self.random.below(3)]

    def make_later(self, depth):
        callback = self.later_callback()
        return None if callback is None else ["later", self.delay(), callback, self.random.below(3)]

    def make_hcancel(self, depth):
        return ["hcancel", self.random.below(3)]

    def make_adc(self, depth):
        callback = self.later_callback()
        return None if callback is None else ["adc", self.slot(), callback, self.random.below(3)]

    def make_rdc(self, depth):
        return ["rdc", self.random.below(3)]

    def make_gather(self, depth):
        r = self.random
        return_exceptions = r.below(2)
        form = r.below(2)
        if r.chance(30):
            refs = [self.ref() for _ in range(1 + r.below(3))]  # mixed: at most three
        else:
            refs = self.refs_of_one_kind(4) if r.chance(97) else []
        return ["gather", r.pick(self.other_slots), return_exceptions, form, refs]

    def make_shield(self, depth):
        return ["shield", self.random.pick(self.other_slots), self.ref()]

    def make_resched(self, depth):
        return ["resched", self.scope_number(), self.limit()] if self.scopes else None

    def make_scope(self, depth):
        return ["scope", self.scope_number()] if self.scopes else None

    def scope_number(self):
        r = self.random
        return r.pick(self.in_scopes) if self.in_scopes and r.chance(80) else r.below(self.scopes)

    def shared_number(self):
        r = self.random
        return r.pick(self.in_holds) if self.in_holds and r.chance(60) else r.below(len(self.shared))

    def argument(self, what):
        """A number of notifications, of futures that are done, an item, or a flag."""
        return self.random.below(2 if what == "shutdown" else 3 if what in ("notify", "wait_for") else 9)

    def make_ask(self, depth):
        number = self.shared_number()
        what = self.random.pick(ASKS[self.shared[number][0]])
        return ["ask", number, what, self.argument(what)]

    def make_want(self, depth):
        r = self.random
        number = self.shared_number()
        kind = self.shared[number][0]
        if number in self.in_holds and kind != "condition" and r.chance(90):
            return None  # it would wait for itself
        what = r.pick(WANTS[kind])
        if kind in LOCKS and number not in self.in_holds and depth < 4 and r.chance(75):
            return self.hold(depth, number)  # rather than without an end
        if what == "acquire" and number in self.in_holds and kind == "condition":
            what = "wait"
        limited = r.chance(25)
        return ["want", number, what, self.argument(what), int(limited), self.limit() if limited else None]

    def make_hold(self, depth):
        locks = [place for place, (kind, _) in enumerate(self.shared) if kind in LOCKS and place not in self.in_holds]
        return self.hold(depth, self.random.pick(locks)) if locks else None

    def hold(self, depth, number):
        self.in_holds.append(number)
        block = self.block(depth + 1, 1 + self.random.below(4))
        self.in_holds.pop()
        return ["hold", number, block]

    def make_raise(self, depth):
        r = self.random
        return ["raise", -1 if r.chance(12) else r.below(4)]

    def make_ret(self, depth):
        return ["ret", self.random.below(100)]

    def make_waitfor(self, depth):
        return ["waitfor", self.ref(), self.limit()]

    def make_wait(self, depth):
        r = self.random
        return ["wait", r.below(3), self.limit() if r.chance(40) else None, [self.slot() for _ in range(1 + r.below(4))]]

    def make_asc(self, depth):
        r = self.random
        return ["asc", r.below(2), self.limit() if r.chance(40) else None, 1 + r.below(4), self.refs_of_one_kind(4)]

    def make_timeout(self, depth):
        number = self.scopes
        self.scopes += 1
        limit = self.limit()
        self.in_scopes.append(number)
        block = self.block(depth + 1, 1 + self.random.below(4))
        self.in_scopes.pop()
        return ["timeout", number, limit, block]

    def make_group(self, depth):
        number = self.groups
        self.groups += 1
        self.in_groups.append(number)
        block = self.block(depth + 1, 1 + self.random.below(4))
        self.in_groups.pop()
        return ["group", number, block]

    def make_tgnew(self, depth):
        r = self.random
        body = self.later_body()
        if body is None or not self.groups:
            return None
        group = r.pick(self.in_groups) if self.in_groups and r.chance(80) else r.below(self.groups)
        return ["tgnew", group, r.pick(self.task_slots[1:]), body, self.flags()]

    def make_repeat(self, depth):
        return ["repeat", 2 + self.random.below(2), self.block(depth + 1, 1 + self.random.below(3))]

    def make_ifdone(self, depth):
        block = self.block(depth + 1, 1 + self.random.below(2))
        return ["ifdone", self.slot(), block, self.block(depth + 1, self.random.below(2))]

    def make_try(self, depth):
        r = self.random
        block = self.block(depth + 1, 1 + r.below(4))
        handlers = []
        for kind in "CTGEX":  # CancelledError, TimeoutError, ExceptionGroup, AppError, any Exception
            if r.chance({"C": 55, "T": 30, "G": 25, "E": 25, "X": 25}[kind]):
                handler = self.block(depth + 1, r.below(3))
                if r.chance(35) and not (handler and handler[-1][0] in LAST_WORDS):
                    handler.append(["reraise"])
                handlers.append([kind, handler])
        final = self.block(depth + 1, 1 + r.below(2)) if r.chance(40) or not handlers else []
        return ["try", block, handlers, final]


def generate(seed, number):
    """Returns the program `number` of `seed`."""
    return Generator(Random(seed * 1_000_003 + number).next()).program()
