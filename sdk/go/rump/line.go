package rump

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"example.org/rump/sdk/go/rumpsp"
)

// resumption is how long the first answer on a new stream may take.
const resumption = 5 * time.Second

// waiter is an answer that is to come.
type waiter struct {
	id        uint64
	payload   []byte // the request, to be sent again
	cancelled bool
	reply     chan *rumpsp.StreamResponse // closed when there will be none
}

// line has the calls of one session, over one stream after another (docs/sessions.md). What has no answer when a stream
// is cut is sent again on the next; the gateway does each id once.
type line struct {
	session string
	pid     int32
	limit   int
	name    string
	retry   time.Duration
	dial    func() (*grpc.ClientConn, error)
	over    chan struct{} // closed with the line
	signals *signals

	mu       sync.Mutex
	next     uint64
	lowest   uint64 // no id below has a waiter
	waiting  map[uint64]*waiter
	answered []uint64
	wire     *wire // nil while there is none
	broken   error
	told     bool // whether somebody was told why it is broken
}

// start opens the first stream.
func (l *line) start(channel *grpc.ClientConn) error {
	w, err := newWire(channel, l.session, l.limit)
	if err != nil {
		return err
	}
	l.next, l.lowest, l.waiting, l.over = 1, 1, map[uint64]*waiter{}, make(chan struct{})
	l.wire = w
	go l.run(w)
	return nil
}

// run hands out replies, from one stream after another.
func (l *line) run(w *wire) {
	for w != nil {
		why := l.read(w)
		w.end()
		w = l.mend(why)
	}
}

func (l *line) read(w *wire) error {
	for {
		reply, err := w.receive()
		if err != nil {
			return cut(err)
		}
		l.deliver(reply, w)
	}
}

// post sends a request. EMSGSIZE, and why the line is broken.
func (l *line) post(request *rumpsp.StreamRequest) (*waiter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		l.told = true
		return nil, l.broken
	}
	request.Id, request.Acked, request.Answered = l.next, l.lowest, l.answered
	payload, err := proto.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("rump: %w", err)
	}
	if len(payload) > l.limit {
		text := fmt.Sprintf("the message has %d bytes, the kernel takes %d", len(payload), l.limit)
		return nil, &Error{Errno: emsgsize, Name: "EMSGSIZE", Text: text, Origin: connection}
	}
	w := &waiter{id: l.next, payload: payload, reply: make(chan *rumpsp.StreamResponse, 1)}
	l.waiting[l.next] = w
	l.next++
	l.answered = nil
	if l.wire != nil {
		l.wire.put(payload)
	}
	return w, nil
}

// cancel has the kernel end a call that waits.
func (l *line) cancel(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.cancelled = true
	if l.wire != nil {
		l.wire.put(cancellation(w.id))
	}
}

func cancellation(id uint64) []byte {
	payload, _ := proto.Marshal(&rumpsp.StreamRequest{Id: id, Cancel: true})
	return payload
}

// giveUp waits no longer for an answer. A stream that owes one for so long is taken for lost.
func (l *line) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting[w.id] == nil {
		return
	}
	delete(l.waiting, w.id)
	l.advance()
	if l.wire != nil {
		l.wire.end()
	}
}

func (l *line) deliver(reply *rumpsp.StreamResponse, from *wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reply.GetSignal() != 0 {
		l.signals.take(reply)
		return
	}
	w := l.waiting[reply.GetId()]
	if w == nil {
		return
	}
	if reply.GetBusy() {
		l.again(w, from)
		return
	}
	delete(l.waiting, w.id)
	l.advance()
	if w.id > l.lowest {
		l.answered = append(l.answered, w.id)
	}
	w.reply <- reply
}

func (l *line) advance() {
	for l.lowest < l.next && l.waiting[l.lowest] == nil {
		l.lowest++
	}
}

// again sends a request once more: the gateway held too many answers that it did not know to have arrived.
func (l *line) again(w *waiter, on *wire) {
	payload, _ := proto.Marshal(&rumpsp.StreamRequest{Acked: l.lowest, Answered: l.answered})
	l.answered = nil
	on.put(payload)
	on.put(w.payload)
}

// mend makes another stream as far as the policy lets it, else ends the line.
func (l *line) mend(why error) *wire {
	l.mu.Lock()
	l.wire = nil
	ours := l.broken != nil
	l.mu.Unlock()
	if ours {
		return nil
	}
	if l.retry == RetryDie {
		slog.Error("rump: the connection is lost; this process ends", "kernel", l.name, "why", why)
		os.Exit(1)
	}
	if tries(l.retry) && isLost(why) {
		slog.Warn("rump: the connection is lost; trying again", "kernel", l.name, "why", why)
		w, err := l.take()
		if w != nil {
			slog.Warn("rump: the connection is back", "kernel", l.name)
			return w
		}
		if err != nil {
			why = err
		}
	}
	l.fail(why)
	return nil
}

// take tries to take up the session on a new stream.
func (l *line) take() (*wire, error) {
	var why error
	for wait := range waits(l.retry) {
		select {
		case <-time.After(wait):
		case <-l.over:
			return nil, ErrClosed
		}
		w, err := l.resume()
		if err == nil {
			return w, nil
		}
		if isGone(err) {
			return nil, stale(err)
		}
		if !isLost(err) {
			return nil, err
		}
		why = err
	}
	return nil, why
}

// resume opens a stream, says what is waited for, and sends that again.
func (l *line) resume() (*wire, error) {
	channel, err := l.dial()
	if err != nil {
		return nil, cut(err)
	}
	w, err := newWire(channel, l.session, l.limit)
	if err != nil {
		_ = channel.Close()
		return nil, cut(err)
	}
	late := time.AfterFunc(resumption, w.end)
	defer late.Stop()
	w.put(l.resumption())
	for {
		reply, err := w.receive()
		if err != nil {
			w.end()
			return nil, cut(err)
		}
		if reply.GetSignal() == 0 {
			return w, l.repeat(w)
		}
		l.signals.take(reply)
	}
}

func (l *line) resumption() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered = nil // with this the gateway knows all
	waiting := slices.Sorted(maps.Keys(l.waiting))
	payload, _ := proto.Marshal(&rumpsp.StreamRequest{Resume: true, Acked: l.lowest, Waiting: waiting})
	return payload
}

func (l *line) repeat(w *wire) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		w.end()
		return l.broken
	}
	for _, id := range slices.Sorted(maps.Keys(l.waiting)) {
		w.put(l.waiting[id].payload)
		if l.waiting[id].cancelled {
			w.put(cancellation(id))
		}
	}
	l.wire = w
	return nil
}

// fail ends all calls that wait, and those to come.
func (l *line) fail(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = why
		l.told = len(l.waiting) > 0
		close(l.over)
	}
	for id, w := range l.waiting {
		close(w.reply)
		delete(l.waiting, id)
	}
}

// whyBroken is for whoever will get no answer.
func (l *line) whyBroken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// ended says that the session is gone and that this was told: it is time for another one.
func (l *line) ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told && tries(l.retry) && isGone(l.broken)
}

// close ends the session, if the kernel can be reached within patience.
func (l *line) close() {
	if l.whyBroken() != nil {
		return
	}
	l.fail(ErrClosed)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := l.detach(ctx)
	for wait := range waits(l.retry) {
		if err == nil || !isLost(err) || ctx.Err() != nil {
			break
		}
		time.Sleep(min(wait, patience))
		err = l.detach(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wire != nil {
		l.wire.end()
	}
}

// detach uses a channel of its own: the one of the stream may be about to be replaced.
func (l *line) detach(ctx context.Context) error {
	channel, err := l.dial()
	if err != nil {
		return cut(err)
	}
	defer channel.Close()
	ctx = metadata.AppendToOutgoingContext(ctx, "rump-session", l.session)
	if _, err = rumpsp.NewSessionClient(channel).Detach(ctx, &rumpsp.DetachRequest{}); err != nil {
		return ofStatus(err)
	}
	return nil
}
