// A server on tokio: a task a connection. The rules, and what a Protocol is, are those of server.hpp.
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

pub trait Protocol: Default + Send + 'static {
    fn room(&mut self) -> &mut [u8];
    fn take(&mut self, size: usize) -> bool;
    fn replies(&self) -> &[u8];
}

async fn converse<P: Protocol>(mut stream: TcpStream) -> io::Result<()> {
    let mut protocol = P::default();
    loop {
        let size = stream.read(protocol.room()).await?;
        if size == 0 || !protocol.take(size) {
            return Ok(());
        }
        stream.write_all(protocol.replies()).await?;
    }
}

async fn accept<P: Protocol>() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(converse::<P>(stream));
    }
}

// The whole program.
pub fn serve<P: Protocol>() -> io::Result<()> {
    let loops = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let loops: usize = loops.filter(|loops| *loops > 0).unwrap_or_else(|| {
        eprintln!("expected LOOPS");
        std::process::exit(2)
    });
    let mut builder = match loops {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder.worker_threads(loops).enable_all().build()?;
    runtime.block_on(accept::<P>())
}
