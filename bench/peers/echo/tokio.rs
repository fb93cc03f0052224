#[path = "../server.rs"]
mod server;

struct Echo {
    bytes: [u8; 4096],
    size: usize,
}

impl Default for Echo {
    fn default() -> Echo {
        Echo {
            bytes: [0; 4096],
            size: 0,
        }
    }
}

impl server::Protocol for Echo {
    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn take(&mut self, size: usize) -> bool {
        self.size = size;
        true
    }

    fn replies(&self) -> &[u8] {
        &self.bytes[..self.size]
    }
}

fn main() -> std::io::Result<()> {
    server::serve::<Echo>()
}
