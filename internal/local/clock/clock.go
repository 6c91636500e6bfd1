// Package clock is time that runs faster by a factor, the same in every process that shares it.
package clock

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Variable is the environment variable in which the benchmark hands its clock to the functions that it has built with
// the tag fastclock. Functions that are built without the tag do not read it.
const Variable = "LANDFALL_CLOCK"

// Clock runs faster than time by a factor since an epoch. The zero value is the machine's clock.
type Clock struct {
	factor float64
	epoch  time.Time
}

// Fast returns a clock that runs faster by the factor from epoch on. Factor 0 is the machine's time.
func Fast(factor float64, epoch time.Time) Clock { return Clock{factor, epoch} }

// Parse reads a clock that String has written.
func Parse(text string) (Clock, error) {
	factor, epoch, _ := strings.Cut(text, "@")
	f, err := strconv.ParseFloat(factor, 64)
	since, err2 := strconv.ParseInt(epoch, 10, 64)
	if err != nil || err2 != nil || f <= 0 {
		return Clock{}, fmt.Errorf("%q is not a clock: want <factor>@<epoch in nanoseconds>", text)
	}
	return Fast(f, time.Unix(0, since)), nil
}

// String writes the clock as Parse reads it.
func (c Clock) String() string {
	return fmt.Sprintf("%v@%d", c.factor, c.epoch.UnixNano())
}

// Now returns the clock's time.
func (c Clock) Now() time.Time {
	if c.factor == 0 {
		return time.Now()
	}
	return c.epoch.Add(time.Duration(float64(time.Since(c.epoch)) * c.factor))
}

// Sleep waits for d by the clock. It returns the context's error when the context ends first.
func (c Clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.factor != 0 {
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
