// Sessions does what tests cut in two: tests/integration/sdk_sessions.py says what it prints. Its connection comes back
// for half a minute (RUMP_RETRYCONNECT says otherwise).
//
//	sessions script PATH          calls of which none may be left out, or done twice
//	sessions workers PATH STOP    four that write, until there is a file STOP
//	sessions stale                a session that ends
//	sessions signals              each signal that comes
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"example.org/rump/sdk/go/rump"
	"example.org/rump/sdk/go/rumpsp"
)

var ctx = context.Background()

func main() {
	options := []rump.Option{rump.WithRetry(30 * time.Second)}
	if os.Args[1] == "stale" {
		options = append(options, rump.WithLease(300*time.Millisecond))
	}
	k, err := rump.Dial(ctx, "", options...)
	check(err)
	switch os.Args[1] {
	case "script":
		script(k, os.Args[2])
	case "workers":
		workers(k, os.Args[2], os.Args[3])
	case "stale":
		stale(k)
	case "signals":
		signals(k)
	}
	check(k.Close())
	if _, _, err := k.Sys.Getpid(ctx); err != rump.ErrClosed {
		check(fmt.Errorf("a call on a closed connection: %w", err))
	}
}

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// signals prints until it is killed.
func signals(k *rump.Connection) {
	coming := make(chan *rumpsp.Siginfo, 100)
	k.Notify(coming)
	fmt.Println("pid", k.PID())
	for s := range coming {
		fmt.Println(s.GetSiSigno(), s.GetSiCode(), s.GetSiPid(), s.GetSiUid(), s.GetSiValue())
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func name(err error) string {
	var found *rump.Error
	if errors.As(err, &found) {
		return found.Name
	}
	return fmt.Sprint(err)
}

func script(k *rump.Connection, path string) {
	pid, _, err := k.Sys.Getpid(ctx)
	check(err)
	fmt.Println(pid == k.PID())
	fd := must(k.Sys.Open(ctx, path, rump.O_CREAT|rump.O_EXCL|rump.O_RDWR|rump.O_APPEND, 0o644))
	fmt.Println(fd, must(k.Sys.Write(ctx, fd, []byte("first,"))), must(k.Sys.Write(ctx, fd, []byte("second,"))))
	check(k.Sys.Mkdir(ctx, path+".d", 0o755))
	check(k.Sys.Chdir(ctx, path+".d"))
	r, w, err := k.Sys.Pipe(ctx)
	check(err)
	fmt.Println(r, w, must(k.Sys.Write(ctx, w, []byte("0123456789"))))
	fmt.Println(string(must(k.Sys.Read(ctx, r, 4))), string(must(k.Sys.Read(ctx, r, 4))))
	dup := &rumpsp.Call{Call: &rumpsp.Call_Dup{Dup: &rumpsp.DupRequest{Fd: fd}}}
	write := &rumpsp.Call{Call: &rumpsp.Call_Write{Write: &rumpsp.WriteRequest{Fd: fd, Data: []byte("third,")}}}
	results := must(k.Batch(ctx, []*rumpsp.Call{dup, write}, false))
	fmt.Println(results[0].GetDup().GetFd(), results[1].GetWrite().GetCount(), must(k.Sys.Dup(ctx, fd)))
	check(k.Sys.Mkdir(ctx, "made here", 0o755))
	fmt.Println(string(must(k.Sys.Pread(ctx, fd, 99, 0))))
}

// workers writes from four goroutines while one call lasts through all, and one is given up.
func workers(k *rump.Connection, path, stop string) {
	fd := must(k.Sys.Open(ctx, path, rump.O_CREAT|rump.O_RDWR|rump.O_APPEND, 0o644))
	r, w, err := k.Sys.Pipe(ctx)
	check(err)
	short, giveUp := context.WithCancel(ctx)
	waits := start(func() { fmt.Println("waited", string(read(k, r))) })
	givenUp := start(func() {
		_, err := k.Sys.Read(short, r, 9)
		fmt.Println("given up", errors.Is(err, context.Canceled) || name(err) == "ENOLINK")
	})
	pid := k.PID()
	var working []*sync.WaitGroup
	for number := range 4 {
		working = append(working, start(func() { write(k, fd, number, stop) }))
	}
	for _, each := range working {
		each.Wait()
	}
	giveUp()
	givenUp.Wait()
	fmt.Println("same", pid == k.PID(), must(k.Sys.Write(ctx, w, []byte("at last"))))
	waits.Wait()
}

func start(work func()) *sync.WaitGroup {
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		work()
	}()
	return &group
}

// read is done again when it is not known whether it was done.
func read(k *rump.Connection, fd int32) []byte {
	for {
		data, err := k.Sys.Read(ctx, fd, 9)
		if err == nil || name(err) != "ENOLINK" {
			check(err)
			return data
		}
	}
}

func write(k *rump.Connection, fd int32, number int, stop string) {
	for count := 0; ; count++ {
		if _, err := os.Stat(stop); err == nil {
			return
		}
		_, err := k.Sys.Write(ctx, fd, fmt.Appendf(nil, "%d:%d\n", number, count))
		if err == nil {
			fmt.Printf("wrote %d:%d\n", number, count)
		} else if name(err) == "ENOLINK" {
			fmt.Printf("doubt %d:%d\n", number, count)
		} else {
			check(err)
		}
	}
}

func stale(k *rump.Connection) {
	r, _, err := k.Sys.Pipe(ctx)
	check(err)
	fmt.Println("pid", k.PID())
	_, err = k.Sys.Read(ctx, r, 1)
	fmt.Println(name(err))
	pid, _, err := k.Sys.Getpid(ctx)
	check(err)
	fmt.Println("pid", pid, pid == k.PID())
	_, err = k.Sys.Fstat(ctx, r)
	fmt.Println(name(err))
	bufio.NewReader(os.Stdin).ReadString('\n')
}
