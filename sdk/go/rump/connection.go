package rump

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"example.org/rump/sdk/go/rumpsp"
)

// patience is how long a call that was cancelled may take to say so before it is given up.
const patience = 5 * time.Second

// headroom is what a message may have beside its payload.
const headroom = 1 << 20

// Connection is one process of a kernel.
type Connection struct {
	// Sys has the system calls, Pub the exported kernel functions.
	Sys Sys
	Pub Pub
	// PID is the number of the process in the kernel.
	PID int32

	channel *grpc.ClientConn
	stream  rumpsp.Session_StreamClient
	end     context.CancelFunc
	sending sync.Mutex

	mu      sync.Mutex
	lastID  uint64
	waiting map[uint64]chan *rumpsp.StreamResponse
	broken  error
}

type settings struct {
	comm  string
	token string
	tls   *tls.Config
}

// Option changes how Dial connects.
type Option func(*settings)

// WithCommand sets the command name of the process; without it that of this program.
func WithCommand(name string) Option { return func(s *settings) { s.comm = name } }

// WithToken sets the token to show; without it RUMP_TOKEN.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithTLS sets the configuration for tcp:// URLs; without it the authorities of the host are trusted.
func WithTLS(config *tls.Config) Option { return func(s *settings) { s.tls = config } }

// Dial makes a process in the kernel at url: unix://path, tcp://host:port (TLS) or tcp+plain://host:port. An empty
// url stands for RUMP_SERVER. The context is for connecting only.
func Dial(ctx context.Context, url string, options ...Option) (*Connection, error) {
	s := settings{comm: filepath.Base(os.Args[0]), token: os.Getenv("RUMP_TOKEN")}
	for _, option := range options {
		option(&s)
	}
	target, secure, err := parse(url)
	if err != nil {
		return nil, err
	}
	protection := insecure.NewCredentials()
	if secure {
		protection = credentials.NewTLS(s.tls)
	}
	channel, err := grpc.NewClient(target, grpc.WithTransportCredentials(protection))
	if err != nil {
		return nil, err
	}
	k := &Connection{channel: channel, waiting: map[uint64]chan *rumpsp.StreamResponse{}}
	k.Sys, k.Pub = Sys{k}, Pub{k}
	if err := k.attach(ctx, s); err != nil {
		channel.Close()
		return nil, err
	}
	go k.receive()
	return k, nil
}

// parse turns a URL into what grpc dials.
func parse(url string) (target string, secure bool, err error) {
	if url == "" {
		url = os.Getenv("RUMP_SERVER")
	}
	scheme, rest, found := strings.Cut(url, "://")
	if !found || rest == "" {
		return "", false, fmt.Errorf("rump: not a server URL: %q", url)
	}
	switch scheme {
	case "unix":
		path, err := filepath.Abs(rest)
		return "unix:" + path, false, err
	case "tcp", "tcp+plain":
		return "dns:///" + strings.TrimSuffix(rest, "/"), scheme == "tcp", nil
	}
	return "", false, fmt.Errorf("rump: unknown scheme %q; there are unix, tcp and tcp+plain", scheme)
}

func (k *Connection) attach(ctx context.Context, s settings) error {
	session := rumpsp.NewSessionClient(k.channel)
	reply, err := session.Attach(ctx, &rumpsp.AttachRequest{Comm: s.comm, Token: s.token, Streams: true})
	if err != nil {
		return ofStatus(err)
	}
	k.PID = reply.GetPid()
	inner, end := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "rump-session", reply.GetSession()))
	limit := grpc.MaxCallRecvMsgSize(int(reply.GetMaxMessage()) + headroom)
	k.stream, err = session.Stream(inner, limit)
	if err != nil {
		end()
		return ofStatus(err)
	}
	k.end = end
	return nil
}

// Close ends the process.
func (k *Connection) Close() error {
	k.fail(ErrClosed)
	k.end()
	return k.channel.Close()
}

// receive hands out replies until the stream ends.
func (k *Connection) receive() {
	for {
		reply, err := k.stream.Recv()
		if err != nil {
			k.fail(ofStatus(err))
			return
		}
		k.mu.Lock()
		waiter := k.waiting[reply.GetId()]
		delete(k.waiting, reply.GetId())
		k.mu.Unlock()
		if waiter != nil {
			waiter <- reply
		}
	}
}

// fail ends all calls that wait, and those to come.
func (k *Connection) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken == nil {
		k.broken = err
	}
	for id, waiter := range k.waiting {
		close(waiter)
		delete(k.waiting, id)
	}
}

func (k *Connection) register() (uint64, chan *rumpsp.StreamResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.broken != nil {
		return 0, nil, k.broken
	}
	k.lastID++
	waiter := make(chan *rumpsp.StreamResponse, 1)
	k.waiting[k.lastID] = waiter
	return k.lastID, waiter, nil
}

func (k *Connection) send(request *rumpsp.StreamRequest) error {
	k.sending.Lock()
	defer k.sending.Unlock()
	return k.stream.Send(request)
}

// Batch does many calls in one message, in order. A reference in a call takes the place of a field with a result of
// an earlier one. After a failure the rest is left out (a Result without a value), unless keepGoing.
func (k *Connection) Batch(ctx context.Context, calls []*rumpsp.Call, keepGoing bool) ([]*rumpsp.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, waiter, err := k.register()
	if err != nil {
		return nil, err
	}
	// Send fails with io.EOF when the stream is broken; why, receive learns and tells the waiter. Other failures,
	// of a message that cannot be sent, concern this call alone.
	if err := k.send(&rumpsp.StreamRequest{Id: id, Calls: calls, KeepGoing: keepGoing}); err != nil && err != io.EOF {
		k.forget(id)
		return nil, ofStatus(err)
	}
	select {
	case reply, open := <-waiter:
		return k.results(reply, open)
	case <-ctx.Done():
		return k.cancelled(ctx, id, waiter)
	}
}

func (k *Connection) forget(id uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.waiting, id)
}

func (k *Connection) results(reply *rumpsp.StreamResponse, open bool) ([]*rumpsp.Result, error) {
	if !open {
		k.mu.Lock()
		defer k.mu.Unlock()
		return nil, k.broken
	}
	return reply.GetResults(), nil
}

// cancelled ends calls in the kernel and waits for their last word, so that what they did after all is not lost.
func (k *Connection) cancelled(ctx context.Context, id uint64, waiter chan *rumpsp.StreamResponse) ([]*rumpsp.Result, error) {
	_ = k.send(&rumpsp.StreamRequest{Id: id, Cancel: true})
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case reply, open := <-waiter:
		results, err := k.results(reply, open)
		if err == nil && interrupted(results) {
			return nil, ctx.Err()
		}
		return results, err
	case <-timer.C:
		k.forget(id)
		return nil, ctx.Err()
	}
}

func interrupted(results []*rumpsp.Result) bool {
	for _, result := range results {
		if name := result.GetError().GetName(); name == "EINTR" || name == "ECANCELED" {
			return true
		}
	}
	return false
}

// do does one call.
func (k *Connection) do(ctx context.Context, call *rumpsp.Call) (*rumpsp.Result, error) {
	results, err := k.Batch(ctx, []*rumpsp.Call{call}, false)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("rump: the kernel sent no result")
	}
	if e := results[0].GetError(); e != nil {
		return nil, errorOf(e)
	}
	return results[0], nil
}
