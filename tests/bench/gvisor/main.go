// gVisor's netstack at the work of driver/driver.c, as far as its kind allows: its protocols run in goroutines and in
// real time, so both ends and the applications share one processor (GOMAXPROCS 1), and when it acknowledges is its own
// affair.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/ethernet"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const port, mtu = 7, 1500

func fail(err any) {
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func must(err tcpip.Error) {
	if err != nil {
		fail(err)
	}
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func address(n byte) tcpip.Address {
	return tcpip.AddrFrom4([4]byte{10, 0, 0, n})
}

func side(n byte, link stack.LinkEndpoint, ring int) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	sack, cubic := tcpip.TCPSACKEnabled(true), tcpip.CongestionControlOption("cubic")
	moderate, wait := tcpip.TCPModerateReceiveBufferOption(false), tcpip.TCPTimeWaitTimeoutOption(time.Millisecond)
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 1, Default: ring, Max: ring}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 1, Default: ring, Max: ring}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &cubic, &moderate, &wait, &send, &receive} {
		must(s.SetTransportProtocolOption(tcp.ProtocolNumber, option))
	}
	must(s.CreateNIC(1, ethernet.New(link)))
	own := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: address(n).WithPrefix()}
	must(s.AddProtocolAddress(1, own, stack.AddressProperties{}))
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	return s
}

type bench struct {
	client   *stack.Stack
	listener *gonet.TCPListener
}

func (b *bench) open() (*gonet.TCPConn, *gonet.TCPConn) {
	accepted := make(chan *gonet.TCPConn)
	go func() {
		c, err := b.listener.Accept()
		check(err)
		accepted <- c.(*gonet.TCPConn)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server := tcpip.FullAddress{NIC: 1, Addr: address(2), Port: port}
	c, err := gonet.DialContextTCP(ctx, b.client, server, ipv4.ProtocolNumber)
	check(err)
	return c, <-accepted
}

// The client closes first.
func shut(c, s *gonet.TCPConn) {
	one := make([]byte, 1)
	check(c.CloseWrite())
	if _, err := s.Read(one); err != io.EOF {
		fail(fmt.Sprint("not the end: ", err))
	}
	check(s.CloseWrite())
	if _, err := c.Read(one); err != io.EOF {
		fail(fmt.Sprint("not the end: ", err))
	}
	check(c.Close())
	check(s.Close())
}

func parameter(name string, otherwise int) int {
	for i := 3; i+1 < len(os.Args); i += 2 {
		if os.Args[i] == name {
			n, err := strconv.Atoi(os.Args[i+1])
			check(err)
			return n
		}
	}
	return otherwise
}

// Text one way, as fast as it goes: gigabytes.
func (at *bench) bulk() func() float64 {
	c, s := at.open()
	go func() {
		from := make([]byte, 65536)
		for {
			if _, err := c.Write(from); err != nil {
				return
			}
		}
	}()
	to := make([]byte, 65536)
	return func() float64 {
		const bytes = 1 << 22
		_, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{io.LimitReader(s, bytes)}, to)
		check(err)
		return bytes / 1e9
	}
}

// A byte to and fro: round trips.
func (at *bench) roundTrips() func() float64 {
	c, s := at.open()
	c.SetDeadline(time.Time{})
	go func() {
		one := make([]byte, 1)
		for {
			if _, err := s.Read(one); err != nil {
				return
			}
			if _, err := s.Write(one); err != nil {
				return
			}
		}
	}()
	one := []byte{0x55}
	return func() float64 {
		const chunk = 64
		for i := 0; i < chunk; i++ {
			_, err := c.Write(one)
			check(err)
			_, err = c.Read(one)
			check(err)
		}
		return chunk
	}
}

// Connections that open and close, so many at once.
func (at *bench) connections(parallel int) func() float64 {
	return func() float64 {
		done := make(chan bool)
		for i := 0; i < parallel; i++ {
			go func() {
				c, s := at.open()
				shut(c, s)
				done <- true
			}()
		}
		for i := 0; i < parallel; i++ {
			<-done
		}
		return float64(parallel)
	}
}

func main() {
	if len(os.Args) < 3 {
		fail("usage: gvisor WORK SECONDS [NAME VALUE]…")
	}
	runtime.GOMAXPROCS(1)
	work := os.Args[1]
	limit, err := strconv.ParseFloat(os.Args[2], 64)
	check(err)
	others, parallel, ring := parameter("others", 0), parameter("parallel", 1), parameter("ring", 65536)
	macs := [2]tcpip.LinkAddress{"\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02"}
	a, b := pipe.New(macs[0], macs[1], mtu+header.EthernetMinimumSize)
	client, server := side(1, a, ring), side(2, b, ring)
	listener, err := gonet.ListenTCP(server, tcpip.FullAddress{NIC: 1, Addr: address(2), Port: port}, ipv4.ProtocolNumber)
	check(err)
	at := &bench{client, listener}
	for i := 0; i < others; i++ {
		at.open()
	}
	var turn func() float64
	switch work {
	case "bulk":
		turn = at.bulk()
	case "round-trips":
		turn = at.roundTrips()
	case "connections":
		turn = at.connections(parallel)
	default:
		fail("there is no such work")
	}
	began := time.Now()
	warm := limit / 4
	for at := 0.0; at < limit; {
		done, end := 0.0, at
		for end-at < 0.1 {
			done += turn()
			end = time.Since(began).Seconds()
		}
		if at >= warm {
			fmt.Printf("%.6g\n", done/(end-at))
		}
		at = end
	}
}
