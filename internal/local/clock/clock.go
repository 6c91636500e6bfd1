// Package clock is a time that passes faster than the real one, the same in several processes.
package clock

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable from which New reads a clock. Only the benchmark sets it.
const Variable = "LANDFALL_CLOCK"

// Clock runs faster than time by a factor since an epoch. The zero Clock is time itself.
type Clock struct {
	factor float64
	epoch  time.Time
}

// Fast is a clock that runs faster by the factor from epoch on.
func Fast(factor float64, epoch time.Time) Clock { return Clock{factor, epoch} }

// New is the clock that the environment asks for: time itself, unless Variable says otherwise.
func New() Clock {
	factor, epoch, _ := strings.Cut(os.Getenv(Variable), "@")
	f, err := strconv.ParseFloat(factor, 64)
	since, err2 := strconv.ParseInt(epoch, 10, 64)
	if err != nil || err2 != nil || f <= 0 {
		return Clock{}
	}
	return Fast(f, time.Unix(0, since))
}

// String returns the value of Variable for the clock.
func (c Clock) String() string {
	return fmt.Sprintf("%v@%d", c.factor, c.epoch.UnixNano())
}

// Now returns the clock's time.
func (c Clock) Now() time.Time {
	now := time.Now()
	if c.factor == 0 {
		return now
	}
	return c.epoch.Add(time.Duration(float64(now.Sub(c.epoch)) * c.factor))
}

// Sleep waits for d by the clock, or until the context ends, whose error it then returns.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.factor > 0 {
		d = time.Duration(float64(d) / c.factor)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
