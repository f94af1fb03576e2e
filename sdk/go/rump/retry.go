package rump

import (
	"fmt"
	"iter"
	"math"
	"os"
	"strconv"
	"time"
)

// What WithRetry takes beside a time; the policies of rumpclient(3).
const (
	// RetryNever has calls fail with ENOTCONN when the connection is lost.
	RetryNever time.Duration = 0
	// RetryOnce tries once to get a connection back.
	RetryOnce time.Duration = -1
	// RetryDie ends the program with status 1.
	RetryDie time.Duration = -2
	// RetryForever does not give up.
	RetryForever time.Duration = math.MaxInt64
)

const (
	onceLease = 10 * time.Second
	// slack is how much longer than it is tried for a session lives: the kernel may notice the loss first.
	slack = 10 * time.Second
	// variable says what to do where WithRetry does not.
	variable = "RUMP_RETRYCONNECT"
)

// retryOfEnvironment is what the environment asks for: seconds, once, inftime or die.
func retryOfEnvironment() (time.Duration, error) {
	value := os.Getenv(variable)
	switch value {
	case "":
		return RetryNever, nil
	case "once":
		return RetryOnce, nil
	case "inftime":
		return RetryForever, nil
	case "die":
		return RetryDie, nil
	}
	seconds, err := strconv.ParseFloat(value, 64)
	if err != nil || !(seconds >= 0) {
		return RetryNever, fmt.Errorf("rump: %s %q: seconds, once, inftime or die", variable, value)
	}
	if seconds > float64(math.MaxInt64/time.Second) {
		return RetryForever, nil
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

func tries(retry time.Duration) bool { return retry == RetryOnce || retry > 0 }

// leaseFor is how long a session shall be kept, in milliseconds.
func leaseFor(retry time.Duration) uint32 {
	switch {
	case retry == RetryOnce:
		return uint32(onceLease.Milliseconds())
	case retry <= 0:
		return 0
	}
	return uint32(min(retry.Milliseconds()+slack.Milliseconds(), math.MaxUint32))
}

// waits gives how long to wait before each try: not at all, then 0.1 s more each time, from the tenth on 1 to 10 s.
func waits(retry time.Duration) iter.Seq[time.Duration] {
	return func(try func(time.Duration) bool) {
		began := time.Now()
		for tried := 0; tries(retry) && (retry != RetryOnce || tried == 0); tried++ {
			wait := time.Duration(tried) * 100 * time.Millisecond
			if tried >= 10 {
				wait = min(time.Duration(tried-9), 10) * time.Second
			}
			if retry > 0 {
				left := retry - time.Since(began)
				if left <= 0 {
					return
				}
				wait = min(wait, left)
			}
			if !try(wait) {
				return
			}
		}
	}
}
