//go:build fastclock

package lambda

import (
	"context"
	"os"
	"time"

	"github.com/landfall/landfall/internal/local/clock"
)

// fast is the scaled clock of internal/local/benchdeploy, which alone builds the functions with this tag.
var fast = func() clock.Clock {
	c, err := clock.Parse(os.Getenv(clock.Variable))
	if err != nil {
		panic(err)
	}
	return c
}()

// Now returns the scaled time.
func Now() time.Time { return fast.Now() }

// Sleep waits for d of scaled time. It returns the context's error when the context ends first.
func Sleep(ctx context.Context, d time.Duration) error { return fast.Sleep(ctx, d) }
