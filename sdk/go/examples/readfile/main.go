// Readfile makes a directory and a file in a kernel, reads it back, lists the directory, and meets an error.
//
//	RUMP_SERVER=unix:///run/k.sock go run ./examples/readfile
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"example.org/rump/sdk/go/rump"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "readfile:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	k, err := rump.Dial(ctx, "") // RUMP_SERVER
	if err != nil {
		return err
	}
	defer k.Close()
	fmt.Println("pid", k.PID())

	folder := fmt.Sprintf("/tmp/go-%d", k.PID())
	if err := k.Sys.Mkdir(ctx, folder, 0o755); err != nil {
		return err
	}
	if err := write(ctx, k, folder+"/greeting", []byte("hello from Go\n")); err != nil {
		return err
	}
	data, err := read(ctx, k, folder+"/greeting")
	if err != nil {
		return err
	}
	fmt.Printf("read %q\n", data)
	if err := list(ctx, k, folder); err != nil {
		return err
	}

	_, err = k.Sys.Open(ctx, folder+"/nothing", rump.O_RDONLY, 0)
	var refused *rump.Error
	if !errors.As(err, &refused) || !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, syscall.ENOENT) {
		return fmt.Errorf("not the error that was expected: %w", err)
	}
	fmt.Println("error", refused.Name, "from", refused.Origin)
	return interrupt(ctx, k)
}

func write(ctx context.Context, k *rump.Connection, path string, data []byte) error {
	fd, err := k.Sys.Open(ctx, path, rump.O_WRONLY|rump.O_CREAT|rump.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if n, err := k.Sys.Write(ctx, fd, data); err != nil || int(n) != len(data) {
		return fmt.Errorf("wrote %d of %d bytes: %w", n, len(data), err)
	}
	return k.Sys.Close(ctx, fd)
}

func read(ctx context.Context, k *rump.Connection, path string) ([]byte, error) {
	fd, err := k.Sys.Open(ctx, path, rump.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	st, err := k.Sys.Fstat(ctx, fd)
	if err != nil {
		return nil, err
	}
	data, err := k.Sys.Read(ctx, fd, uint64(st.GetStSize()))
	if err != nil {
		return nil, err
	}
	return data, k.Sys.Close(ctx, fd)
}

func list(ctx context.Context, k *rump.Connection, path string) error {
	fd, err := k.Sys.Open(ctx, path, rump.O_RDONLY, 0)
	if err != nil {
		return err
	}
	for {
		entries, err := k.Sys.Getdents(ctx, fd, 65536)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return k.Sys.Close(ctx, fd)
		}
		for _, entry := range entries {
			fmt.Printf("entry %s\n", entry.GetDName())
		}
	}
}

// interrupt shows that the end of a context ends a call that waits: nobody ever writes into this pipe.
func interrupt(ctx context.Context, k *rump.Connection) error {
	rfd, _, err := k.Sys.Pipe(ctx)
	if err != nil {
		return err
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := k.Sys.Read(short, rfd, 1); !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("read of an empty pipe: %w", err)
	}
	fmt.Println("interrupted a read that waited")
	return nil
}
