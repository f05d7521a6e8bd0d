//! smoltcp on a TAP device, by its own `TunTapInterface`, as in its example `server.rs`: it answers pings, port 80 with
//! so many bytes, and drops what port 9 gets. Arguments: the device, the address, its prefix, the bytes.
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{wait, Device, Medium, TunTapInterface};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};
use std::os::unix::io::AsRawFd;

/// Rings of a connection, as many bytes as `stint up` gives.
const RING: usize = 65535;

/// A socket that has given or taken all, listens anew, and how many bytes of its answer are left.
struct Service {
    socket: SocketHandle,
    port: u16,
    left: Option<usize>,
}

fn serve(service: &mut Service, sockets: &mut SocketSet, size: usize, page: &[u8]) {
    let socket = sockets.get_mut::<tcp::Socket>(service.socket);
    if !socket.is_open() {
        service.left = None;
        socket.listen(service.port).expect("it listens");
        return;
    }
    let mut asked = false;
    while socket.can_recv() {
        asked |= socket.recv(|bytes| (bytes.len(), bytes.ends_with(b"\r\n\r\n"))).unwrap_or(false);
    }
    if service.port == 80 && asked && service.left.is_none() {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
        socket.send_slice(head.as_bytes()).expect("there is room");
        service.left = Some(size);
    }
    if let Some(left) = service.left.as_mut() {
        while *left > 0 && socket.can_send() {
            let sent = socket.send_slice(&page[..page.len().min(*left)]).unwrap_or(0);
            *left -= sent;
        }
        if *left == 0 {
            socket.close();
        }
    }
    if socket.state() == tcp::State::CloseWait && (service.port == 9 || service.left == Some(0)) {
        socket.close();
    }
}

fn main() {
    let given: Vec<String> = std::env::args().collect();
    let address: std::net::Ipv4Addr = given[2].parse().expect("an address");
    let (prefix, size): (u8, usize) = (given[3].parse().expect("a prefix"), given[4].parse().expect("a size"));
    let mut device = TunTapInterface::new(&given[1], Medium::Ethernet).expect("a TAP device");
    let fd = device.as_raw_fd();
    let mac = EthernetAddress([2, 0, 0, 0, 0, 2]);
    let mut interface = Interface::new(Config::new(mac.into()), &mut device, Instant::now());
    interface.update_ip_addrs(|all| all.push(IpCidr::new(IpAddress::Ipv4(address), prefix)).expect("there is room"));
    let mut sockets = SocketSet::new(vec![]);
    let mut services: Vec<Service> = [80, 9]
        .into_iter()
        .map(|port| {
            let ring = || tcp::SocketBuffer::new(vec![0; RING]);
            Service { socket: sockets.add(tcp::Socket::new(ring(), ring())), port, left: None }
        })
        .collect();
    let page = vec![b'x'; RING];
    println!("ready, frames of {} bytes", device.capabilities().max_transmission_unit);
    loop {
        let now = Instant::now();
        interface.poll(now, &mut device, &mut sockets);
        for service in &mut services {
            serve(service, &mut sockets, size, &page);
        }
        interface.poll(now, &mut device, &mut sockets);
        let delay = interface.poll_delay(Instant::now(), &sockets);
        wait(fd, delay.or(Some(Duration::from_millis(100)))).expect("a wait");
    }
}
