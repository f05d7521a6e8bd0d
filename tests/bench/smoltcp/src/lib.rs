//! smoltcp behind the calls of tests/bench/driver/subject.h. Its sockets are its connections: one that has closed is
//! used again.
use core::slice;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};

const CLIENT: usize = 0;
const SERVER: usize = 1;
const PORT: u16 = 7;
const SLOTS: usize = 64;
const FRAME: usize = 1536;

/// Frames in fixed slots, as the other subjects have them.
struct Ring {
    frames: Vec<[u8; FRAME]>,
    sizes: [usize; SLOTS],
    head: usize,
    tail: usize,
}

impl Ring {
    fn new() -> Ring {
        Ring { frames: vec![[0; FRAME]; SLOTS], sizes: [0; SLOTS], head: 0, tail: 0 }
    }
    fn is_empty(&self) -> bool {
        self.head == self.tail
    }
    fn is_full(&self) -> bool {
        self.tail - self.head == SLOTS
    }
}

struct Link {
    rx: Ring,
    tx: Ring,
}

struct Rx<'a>(&'a mut Ring);
struct Tx<'a>(&'a mut Ring);

impl RxToken for Rx<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        let i = self.0.head % SLOTS;
        let result = f(&self.0.frames[i][..self.0.sizes[i]]);
        self.0.head += 1;
        result
    }
}

impl TxToken for Tx<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, size: usize, f: F) -> R {
        let i = self.0.tail % SLOTS;
        let result = f(&mut self.0.frames[i][..size]);
        self.0.sizes[i] = size;
        self.0.tail += 1;
        result
    }
}

impl Device for Link {
    type RxToken<'a> = Rx<'a>;
    type TxToken<'a> = Tx<'a>;
    fn receive(&mut self, _: Instant) -> Option<(Rx<'_>, Tx<'_>)> {
        if self.rx.is_empty() || self.tx.is_full() {
            return None;
        }
        Some((Rx(&mut self.rx), Tx(&mut self.tx)))
    }
    fn transmit(&mut self, _: Instant) -> Option<Tx<'_>> {
        if self.tx.is_full() {
            return None;
        }
        Some(Tx(&mut self.tx))
    }
    fn capabilities(&self) -> DeviceCapabilities {
        let mut c = DeviceCapabilities::default();
        c.medium = Medium::Ethernet;
        c.max_transmission_unit = 1514;
        c.checksum = ChecksumCapabilities::default();
        c
    }
}

struct Side {
    iface: Interface,
    sockets: SocketSet<'static>,
    link: Link,
    /// Handles by connection, and those that can be used again.
    free: Vec<SocketHandle>,
}

struct Subject {
    sides: [Side; 2],
    listening: Vec<SocketHandle>,
    handles: Vec<SocketHandle>,
    ring: usize,
    port: u16,
    /// Ports that connections have, by port; and the port of each connection.
    taken: Vec<bool>,
    ports: Vec<u16>,
}

static mut SUBJECT: Option<Subject> = None;

fn subject() -> &'static mut Subject {
    // One thread calls all of this.
    #[allow(static_mut_refs)]
    unsafe {
        SUBJECT.as_mut().unwrap()
    }
}

fn side(n: usize) -> Side {
    let mut link = Link { rx: Ring::new(), tx: Ring::new() };
    let mut config = Config::new(HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1 + n as u8])));
    config.random_seed = 1 + n as u64;
    let mut iface = Interface::new(config, &mut link, Instant::from_micros(0));
    iface.update_ip_addrs(|a| a.push(IpCidr::new(IpAddress::v4(10, 0, 0, 1 + n as u8), 24)).unwrap());
    Side { iface, sockets: SocketSet::new(Vec::new()), link, free: Vec::new() }
}

impl Subject {
    fn socket(&mut self, n: usize) -> SocketHandle {
        let ring = self.ring;
        let s = &mut self.sides[n];
        s.free.pop().unwrap_or_else(|| {
            let buffer = || tcp::SocketBuffer::new(vec![0; ring]);
            s.sockets.add(tcp::Socket::new(buffer(), buffer()))
        })
    }
    fn listen_once(&mut self) {
        let server = self.socket(SERVER);
        self.sides[SERVER].sockets.get_mut::<tcp::Socket>(server).listen(PORT).unwrap();
        self.listening.push(server);
    }
    /// A connection's number: a handle's place, and 1.
    fn number(&mut self, h: SocketHandle) -> isize {
        if let Some(i) = self.handles.iter().position(|&x| x == h) {
            return i as isize + 1;
        }
        self.handles.push(h);
        self.handles.len() as isize
    }
    fn at(&mut self, n: i32, c: isize) -> &mut tcp::Socket<'static> {
        let h = self.handles[c as usize - 1];
        self.sides[n as usize].sockets.get_mut::<tcp::Socket>(h)
    }
}

#[no_mangle]
pub extern "C" fn subject_start(_connections: u32, ring: u32) {
    let subject = Subject {
        sides: [side(CLIENT), side(SERVER)],
        listening: Vec::new(),
        handles: Vec::new(),
        ring: ring as usize,
        port: 1024,
        taken: vec![false; 65536],
        ports: Vec::new(),
    };
    unsafe { SUBJECT = Some(subject) }
}

/// A server of smoltcp has as many sockets that listen as it expects connections: SMOLTCP_LISTENING at least.
#[no_mangle]
pub extern "C" fn subject_listen() {
    let most = std::env::var("SMOLTCP_LISTENING").map_or(1, |n| n.parse().unwrap());
    for _ in 1..most {
        subject().listen_once();
    }
}

#[no_mangle]
pub extern "C" fn subject_connect() -> isize {
    let s = subject();
    s.listen_once();
    let client = s.socket(CLIENT);
    loop {
        s.port = if s.port == 65535 { 1024 } else { s.port + 1 };
        if !s.taken[s.port as usize] {
            break;
        }
    }
    s.taken[s.port as usize] = true;
    let Side { iface, sockets, .. } = &mut s.sides[CLIENT];
    let server = (IpAddress::v4(10, 0, 0, 2), PORT);
    sockets.get_mut::<tcp::Socket>(client).connect(iface.context(), server, s.port).unwrap();
    let c = s.number(client);
    s.ports.resize(s.handles.len(), 0);
    s.ports[c as usize - 1] = s.port;
    c
}

#[no_mangle]
pub extern "C" fn subject_accept() -> isize {
    let s = subject();
    let sockets = &s.sides[SERVER].sockets;
    let is_open = |&h: &_| sockets.get::<tcp::Socket>(h).state() == tcp::State::Established;
    let Some(i) = s.listening.iter().position(is_open) else { return 0 };
    let h = s.listening.swap_remove(i);
    s.number(h)
}

#[no_mangle]
pub unsafe extern "C" fn subject_send(n: i32, c: isize, from: *const u8, size: u32) -> u32 {
    subject().at(n, c).send_slice(slice::from_raw_parts(from, size as usize)).unwrap() as u32
}

#[no_mangle]
pub unsafe extern "C" fn subject_recv(n: i32, c: isize, to: *mut u8, size: u32) -> u32 {
    subject().at(n, c).recv_slice(slice::from_raw_parts_mut(to, size as usize)).unwrap() as u32
}

#[no_mangle]
pub extern "C" fn subject_send_in_place(n: i32, c: isize, size: u32) -> u32 {
    let mut done = 0;
    while done < size {
        let room = |b: &[u8]| b.len().min((size - done) as usize);
        let took = subject().at(n, c).send(|b| (room(b), room(b))).unwrap() as u32;
        if took == 0 {
            break;
        }
        done += took;
    }
    done
}

#[no_mangle]
pub extern "C" fn subject_recv_in_place(n: i32, c: isize) -> u32 {
    let mut done = 0;
    loop {
        let took = subject().at(n, c).recv(|b| (b.len(), b.len())).unwrap() as u32;
        if took == 0 {
            return done;
        }
        done += took;
    }
}

#[no_mangle]
pub extern "C" fn subject_close(n: i32, c: isize) {
    subject().at(n, c).close();
}

/// A socket in TIME-WAIT may connect again.
#[no_mangle]
pub unsafe extern "C" fn subject_recycle(_first: i32, clients: *const isize, servers: *const isize, n: u32) {
    let s = subject();
    for i in 0..n as usize {
        s.taken[s.ports[*clients.add(i) as usize - 1] as usize] = false;
        s.sides[CLIENT].free.push(s.handles[*clients.add(i) as usize - 1]);
        s.sides[SERVER].free.push(s.handles[*servers.add(i) as usize - 1]);
    }
}

#[no_mangle]
pub extern "C" fn subject_poll(n: i32, now_us: u64) {
    let Side { iface, sockets, link, .. } = &mut subject().sides[n as usize];
    iface.poll(Instant::from_micros(now_us as i64), link, sockets);
}

#[no_mangle]
pub extern "C" fn subject_cross(from: i32, max: u32) -> u32 {
    let [a, b] = &mut subject().sides;
    let (out, into) = if from == 0 { (&mut a.link.tx, &mut b.link.rx) } else { (&mut b.link.tx, &mut a.link.rx) };
    let mut n = 0;
    while n < max && !out.is_empty() && !into.is_full() {
        let (o, i) = (out.head % SLOTS, into.tail % SLOTS);
        let size = out.sizes[o];
        into.frames[i][..size].copy_from_slice(&out.frames[o][..size]);
        into.sizes[i] = size;
        out.head += 1;
        into.tail += 1;
        n += 1;
    }
    n
}

#[no_mangle]
pub extern "C" fn subject_bytes() -> u32 {
    core::mem::size_of::<tcp::Socket>() as u32
}

#[no_mangle]
pub extern "C" fn subject_idle() {}
