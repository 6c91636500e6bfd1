// Package inmemory serves HTTP without sockets, for tests in a bubble of testing/synctest. Time in a bubble advances
// only while each of its goroutines waits for another one of them; a goroutine that waits for a socket prevents that.
package inmemory

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// Serve serves each handler under its host name until the test ends, and returns the transport that reaches them,
// and nothing else.
func Serve(t testing.TB, handlers map[string]http.Handler) *http.Transport {
	listeners := map[string]*listener{}
	for host, handler := range handlers {
		l := &listener{connections: make(chan net.Conn), closed: make(chan struct{})}
		listeners[host] = l
		server := &http.Server{Handler: handler}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		l, known := listeners[host]
		if !known {
			return nil, fmt.Errorf("no host %q is served in memory", host)
		}
		return l.dial(ctx)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// listener hands out one end of a pipe for each connection.
type listener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.connections <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The server calls it once.
func (l *listener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
