// Parses as little as page.hpp.
#[path = "../server.rs"]
mod server;

const REQUEST_LINE: &[u8] = b"GET / HTTP/1.1\r\n";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nServer: weft\r\nContent-Type: text/plain\r\n\
    Content-Length: 14\r\n\r\nHello, world!\n";

struct Page {
    bytes: [u8; 4096],
    size: usize,
    replies: Vec<u8>,
}

impl Default for Page {
    fn default() -> Page {
        Page {
            bytes: [0; 4096],
            size: 0,
            replies: Vec::new(),
        }
    }
}

impl server::Protocol for Page {
    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.size..]
    }

    fn take(&mut self, size: usize) -> bool {
        self.size += size;
        self.replies.clear();
        let mut begin = 0;
        while let Some(end) = find_end(&self.bytes[begin..self.size]) {
            if !self.bytes[begin..].starts_with(REQUEST_LINE) {
                return false;
            }
            self.replies.extend_from_slice(REPLY);
            begin += end + END_OF_HEAD.len();
        }
        self.bytes.copy_within(begin..self.size, 0);
        self.size -= begin;
        self.size < self.bytes.len()
    }

    fn replies(&self) -> &[u8] {
        &self.replies
    }
}

fn find_end(unread: &[u8]) -> Option<usize> {
    let (text, end) = (unread.as_ptr(), END_OF_HEAD.as_ptr());
    let found = unsafe { libc::memmem(text.cast(), unread.len(), end.cast(), END_OF_HEAD.len()) };
    (!found.is_null()).then(|| found as usize - text as usize)
}

fn main() -> std::io::Result<()> {
    server::serve::<Page>()
}
