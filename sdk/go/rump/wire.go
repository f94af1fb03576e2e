package rump

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"example.org/rump/sdk/go/rumpsp"
)

// encoded has a stream take requests that are bytes already: they are sent again as they were.
type encoded struct{}

func (encoded) Name() string { return "proto" }

func (encoded) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (encoded) Unmarshal(data []byte, v any) error { return proto.Unmarshal(data, v.(proto.Message)) }

// wire is one stream, on a channel of its own. Nobody waits for room on it, so that answers can be read meanwhile.
type wire struct {
	channel *grpc.ClientConn
	stream  grpc.ClientStream
	ctx     context.Context
	cancel  context.CancelFunc
	bell    chan struct{}

	mu    sync.Mutex
	queue [][]byte
}

func newWire(channel *grpc.ClientConn, session string, limit int) (*wire, error) {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "rump-session", session))
	stream, err := channel.NewStream(ctx, &rumpsp.Session_ServiceDesc.Streams[streamIndex], rumpsp.Session_Stream_FullMethodName,
		grpc.MaxCallRecvMsgSize(limit+headroom), grpc.ForceCodec(encoded{}))
	if err != nil {
		cancel()
		return nil, ofStatus(err)
	}
	w := &wire{channel: channel, stream: stream, ctx: ctx, cancel: cancel, bell: make(chan struct{}, 1)}
	go w.write()
	return w, nil
}

// streamIndex is where Session.Stream stands among the streams of its service.
var streamIndex = func() int {
	for i, each := range rumpsp.Session_ServiceDesc.Streams {
		if each.StreamName == "Stream" {
			return i
		}
	}
	panic("rump: the contract has no Session.Stream")
}()

func (w *wire) put(payload []byte) {
	w.mu.Lock()
	w.queue = append(w.queue, payload)
	w.mu.Unlock()
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// write sends until the stream ends; why it did, receive is told.
func (w *wire) write() {
	for {
		select {
		case <-w.bell:
		case <-w.ctx.Done():
			return
		}
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, payload := range queue {
			if w.stream.SendMsg(payload) != nil {
				return
			}
		}
	}
}

func (w *wire) receive() (*rumpsp.StreamResponse, error) {
	reply := new(rumpsp.StreamResponse)
	if err := w.stream.RecvMsg(reply); err != nil {
		return nil, ofStatus(err)
	}
	return reply, nil
}

// end lets go of the stream and its channel.
func (w *wire) end() {
	w.cancel()
	_ = w.channel.Close()
}
