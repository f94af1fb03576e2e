package rump

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/protobuf/proto"

	"example.org/rump/sdk/go/rumpsp"
)

// errNoFrames says that nobody speaks frames there: gRPC is left.
var errNoFrames = errors.New("rump: nobody speaks frames there")

// The words before the messages of an Attach in frames (docs/transport.md), and the longest answer that is read.
const (
	attachWord    = "attach\n"
	attachedWord  = "attached\n"
	longestAnswer = 1 << 20
	helloPatience = 20 * time.Second
)

// framesPath is where to attach in frames: there the host tells the kernel whose program this is. Empty where gRPC
// alone is, or wanted.
func (k *Connection) framesPath() string {
	if k.network != "unix" || os.Getenv("RUMP_TRANSPORT") == "grpc" {
		return ""
	}
	return k.address + ".frames"
}

// attachInFrames sends one Attach to a socket of frames. The stream and all else go over gRPC, by the session's token.
func attachInFrames(ctx context.Context, path string, request *rumpsp.AttachRequest) (*rumpsp.AttachResponse, error) {
	var dialer net.Dialer
	link, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, errNoFrames
	}
	defer link.Close()
	stop := context.AfterFunc(ctx, func() { _ = link.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = link.SetDeadline(time.Now().Add(helloPatience))
	payload, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	frame, err := exchange(link, append([]byte(attachWord), payload...))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, context.DeadlineExceeded
	case err != nil: // a proxy that knows gRPC alone
		return nil, errNoFrames
	}
	return attachedBy(frame)
}

// exchange sends a frame, and reads the one that answers it.
func exchange(link net.Conn, frame []byte) ([]byte, error) {
	head := binary.LittleEndian.AppendUint32(nil, uint32(len(frame)))
	if _, err := link.Write(append(head, frame...)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(link, head); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(head)
	if length > longestAnswer {
		return nil, io.ErrShortBuffer
	}
	answer := make([]byte, length)
	_, err := io.ReadFull(link, answer)
	return answer, err
}

// attachedBy is what an answer says, or why there is no session.
func attachedBy(frame []byte) (*rumpsp.AttachResponse, error) {
	if message, found := bytes.CutPrefix(frame, []byte(attachedWord)); found {
		reply := new(rumpsp.AttachResponse)
		return reply, proto.Unmarshal(message, reply)
	}
	last := new(rumpsp.StreamResponse)
	if err := proto.Unmarshal(frame, last); err != nil || last.GetEnd() == nil {
		return nil, errNoFrames
	}
	return nil, errorOf(last.GetEnd())
}
