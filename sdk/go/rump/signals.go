package rump

import (
	"sync"

	"example.org/rump/sdk/go/rumpsp"
)

// signals are those of one process: where they go.
type signals struct {
	mu sync.Mutex
	to chan<- *rumpsp.Siginfo
}

// Notify has the signals of the process go to a channel, in place of the one before, by NetBSD's numbers and with what
// comes with them (siginfo(2)). As in os/signal nobody waits for room in it. Without one, or with nil, they are dropped.
func (k *Connection) Notify(to chan<- *rumpsp.Siginfo) {
	k.signals.mu.Lock()
	defer k.signals.mu.Unlock()
	k.signals.to = to
}

func (s *signals) take(reply *rumpsp.StreamResponse) {
	info := reply.GetSiginfo()
	if info == nil {
		info = &rumpsp.Siginfo{SiSigno: int32(reply.GetSignal()), SiCode: SI_NOINFO}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.to <- info:
	default:
	}
}
