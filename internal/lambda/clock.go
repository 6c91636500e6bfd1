//go:build !fastclock

package lambda

import (
	"context"
	"time"
)

// Now returns the current time.
func Now() time.Time { return time.Now() }

// Sleep waits for d. It returns the context's error when the context ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
