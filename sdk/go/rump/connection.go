package rump

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

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

	settings settings
	target   string
	network  string
	address  string
	secure   bool
	signals  signals

	mu   sync.Mutex
	line *line
}

type settings struct {
	comm  string
	token string
	tls   *tls.Config
	retry *time.Duration
	lease *time.Duration
}

// Option changes how Dial connects.
type Option func(*settings)

// WithCommand sets the command name of the process; without it that of this program.
func WithCommand(name string) Option { return func(s *settings) { s.comm = name } }

// WithToken sets the token to show; without it RUMP_TOKEN.
func WithToken(token string) Option { return func(s *settings) { s.token = token } }

// WithTLS sets the configuration for tcp:// URLs; without it the authorities of the host are trusted.
func WithTLS(config *tls.Config) Option { return func(s *settings) { s.tls = config } }

// WithRetry says for how long to try to get a connection back that is lost, or RetryNever, RetryOnce, RetryForever,
// RetryDie; without it RUMP_RETRYCONNECT. A process that is back in time is the same, and each call is done once.
func WithRetry(retry time.Duration) Option { return func(s *settings) { s.retry = &retry } }

// WithLease says how long the process outlives its connection; without it 10 s more than it is tried for.
func WithLease(lease time.Duration) Option { return func(s *settings) { s.lease = &lease } }

// Dial makes a process in the kernel at url: unix://path, tcp://host:port (TLS) or tcp+plain://host:port. An empty
// url stands for RUMP_SERVER. The context is for connecting only.
func Dial(ctx context.Context, url string, options ...Option) (*Connection, error) {
	s := settings{comm: filepath.Base(os.Args[0]), token: os.Getenv("RUMP_TOKEN")}
	for _, option := range options {
		option(&s)
	}
	if s.retry == nil {
		retry, err := retryOfEnvironment()
		if err != nil {
			return nil, err
		}
		s.retry = &retry
	}
	k := &Connection{settings: s}
	k.Sys, k.Pub = Sys{k}, Pub{k}
	if err := k.parse(url); err != nil {
		return nil, err
	}
	line, err := k.attach(ctx)
	if err != nil {
		return nil, err
	}
	k.line = line
	return k, nil
}

// parse finds what to dial in a URL.
func (k *Connection) parse(url string) error {
	if url == "" {
		url = os.Getenv("RUMP_SERVER")
	}
	scheme, rest, found := strings.Cut(url, "://")
	if !found || rest == "" {
		return fmt.Errorf("rump: not a server URL: %q", url)
	}
	switch scheme {
	case "unix":
		path, err := filepath.Abs(rest)
		k.target, k.network, k.address = "unix:"+path, "unix", path
		return err
	case "tcp", "tcp+plain":
		k.secure, k.network, k.address = scheme == "tcp", "tcp", strings.TrimSuffix(rest, "/")
		k.target = "dns:///" + k.address
		return nil
	}
	return fmt.Errorf("rump: unknown scheme %q; there are unix, tcp and tcp+plain", scheme)
}

// dial makes a channel. It connects with its first call.
func (k *Connection) dial() (*grpc.ClientConn, error) {
	protection := insecure.NewCredentials()
	if k.secure {
		protection = credentials.NewTLS(k.settings.tls)
	}
	return grpc.NewClient(k.target, grpc.WithTransportCredentials(protection))
}

// attach makes a session. A kernel that is there, but whose answer is lost, is asked again with the same nonce.
func (k *Connection) attach(ctx context.Context) (*line, error) {
	retry := *k.settings.retry
	request := &rumpsp.AttachRequest{Comm: k.settings.comm, Token: k.settings.token, LeaseMs: leaseFor(retry), Streams: true}
	if k.settings.lease != nil {
		request.LeaseMs = uint32(min(max(k.settings.lease.Milliseconds(), 0), math.MaxUint32))
	}
	request.Nonce = make([]byte, 16)
	rand.Read(request.Nonce)
	line, why := k.ask(ctx, request)
	for wait := range waits(retry) {
		if why == nil || !isLost(why) || ctx.Err() != nil {
			break
		}
		if err := k.probe(ctx); err != nil {
			return nil, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		line, why = k.ask(ctx, request)
	}
	return line, why
}

// ask sends one Attach, and opens the session's first stream.
func (k *Connection) ask(ctx context.Context, request *rumpsp.AttachRequest) (*line, error) {
	channel, err := k.dial()
	if err != nil {
		return nil, err
	}
	l := &line{retry: *k.settings.retry, dial: k.dial, name: k.target, signals: &k.signals}
	reply, err := k.askAnyWay(ctx, channel, request)
	if err == nil {
		l.session, l.pid, l.limit = reply.GetSession(), reply.GetPid(), int(reply.GetMaxMessage())
		err = l.start(channel)
	}
	if err != nil {
		_ = channel.Close()
		return nil, err
	}
	return l, nil
}

// askAnyWay attaches where the kernel is told who we are, else by gRPC.
func (k *Connection) askAnyWay(
	ctx context.Context, channel *grpc.ClientConn, request *rumpsp.AttachRequest,
) (*rumpsp.AttachResponse, error) {
	if path := k.framesPath(); path != "" {
		reply, err := attachInFrames(ctx, path, request)
		if err != errNoFrames {
			return reply, err
		}
	}
	reply, err := rumpsp.NewSessionClient(channel).Attach(ctx, request)
	if err != nil {
		return nil, ofStatus(err)
	}
	return reply, nil
}

// probe says why nobody is there, in the host's words.
func (k *Connection) probe(ctx context.Context) error {
	var dialer net.Dialer
	found, err := dialer.DialContext(ctx, k.network, k.address)
	if err != nil {
		return fmt.Errorf("rump: no kernel at %s: %w", k.address, err)
	}
	return found.Close()
}

// PID is the number of the process in the kernel. It changes only with the session, after an ESTALE.
func (k *Connection) PID() int32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.line.pid
}

// current is the line to call on. After the end of a session, once that was told, it is that of another one.
func (k *Connection) current(ctx context.Context) (*line, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.line.ended() {
		return k.line, nil
	}
	line, err := k.attach(ctx)
	if err != nil {
		return nil, err
	}
	slog.Warn("rump: attached anew", "kernel", k.target, "pid", line.pid)
	k.line = line
	return line, nil
}

// Close ends the process.
func (k *Connection) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.line.close()
	return nil
}

// Batch does many calls in one message, in order. A reference in a call takes the place of a field with a result of
// an earlier one. After a failure the rest is left out (a Result without a value), unless keepGoing.
func (k *Connection) Batch(ctx context.Context, calls []*rumpsp.Call, keepGoing bool) ([]*rumpsp.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	line, err := k.current(ctx)
	if err != nil {
		return nil, err
	}
	w, err := line.post(&rumpsp.StreamRequest{Calls: calls, KeepGoing: keepGoing})
	if err != nil {
		return nil, err
	}
	select {
	case reply, open := <-w.reply:
		return line.results(reply, open)
	case <-ctx.Done():
		return line.cancelled(ctx, w)
	}
}

func (l *line) results(reply *rumpsp.StreamResponse, open bool) ([]*rumpsp.Result, error) {
	if !open {
		return nil, l.whyBroken()
	}
	return reply.GetResults(), nil
}

// cancelled ends calls in the kernel and waits for their last word, so that what they did after all is not lost.
func (l *line) cancelled(ctx context.Context, w *waiter) ([]*rumpsp.Result, error) {
	l.cancel(w)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case reply, open := <-w.reply:
		results, err := l.results(reply, open)
		if err == nil && interrupted(results) {
			return nil, ctx.Err()
		}
		return results, err
	case <-timer.C:
		l.giveUp(w)
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
