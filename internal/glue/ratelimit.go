package glue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"

	"github.com/landfall/landfall/internal/reconcile"
)

// How the rate follows Glue's throttling, whose limits are not published: down by a share at most once a second, up by a
// little with every call that is served, and back to the limit when Glue has not throttled for a while. The while matters
// to a warm Lambda function: what an earlier invocation has learned says nothing about a later one.
const (
	slowDown        = 0.7
	speedUp         = 0.1  // calls per second
	slowest         = 0.5  // calls per second
	unlimitedStart  = 20.0 // calls per second; where a client without a limit begins when it is throttled
	burstSeconds    = 10
	forgetThrottles = time.Minute
)

// rateLimiter spaces calls.
type rateLimiter struct {
	limiter *rate.Limiter

	mu sync.Mutex
	// limit and current are calls per second, zero for unlimited. They differ only while recovering.
	limit, current float64
	lastThrottle   time.Time
	recovering     bool
}

// newRateLimiter starts with all the calls of a burst at hand: the first thing a function does is to start a blueprint
// run in each of its slots.
func newRateLimiter() *rateLimiter {
	return &rateLimiter{limiter: rate.NewLimiter(rate.Inf, math.MaxInt32)}
}

// SetRate limits calls per second from here on; zero is unlimited. Unused calls accumulate for ten seconds, because the
// calls of a step come together and long waits follow. A lower rate that was learned from throttling is kept until Glue
// has not throttled for a minute.
func (c *Client) SetRate(callsPerSecond float64) {
	l := c.rate
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = callsPerSecond
	if !l.recovering || l.reached(l.current) {
		l.lift()
	}
}

// reached reports whether the rate is at the limit or above it. The lock is held, as for the methods below.
func (l *rateLimiter) reached(callsPerSecond float64) bool {
	return l.limit > 0 && callsPerSecond >= l.limit
}

// lift ends a recovery.
func (l *rateLimiter) lift() {
	l.recovering = false
	l.apply(l.limit)
}

func (l *rateLimiter) apply(callsPerSecond float64) {
	l.current = callsPerSecond
	limit, burst := rate.Limit(callsPerSecond), max(1, int(burstSeconds*callsPerSecond))
	switch {
	case l.recovering:
		burst = 1
	case callsPerSecond == 0:
		limit, burst = rate.Inf, math.MaxInt32
	}
	l.limiter.SetBurst(burst)
	l.limiter.SetLimit(limit)
}

// throttled slows down; calls that were under way together count once.
func (l *rateLimiter) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.lastThrottle) < time.Second {
		return
	}
	l.lastThrottle, l.recovering = time.Now(), true
	if l.current == 0 {
		l.current = unlimitedStart
	}
	slower := max(slowest, l.current*slowDown)
	if l.limit > 0 {
		slower = min(slower, l.limit)
	}
	l.apply(slower)
}

// served speeds up again.
func (l *rateLimiter) served() {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch next := l.current + speedUp; {
	case !l.recovering:
	case l.reached(next):
		l.lift()
	default:
		l.apply(next)
	}
}

// forget ends a recovery from throttling that is long ago.
func (l *rateLimiter) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recovering && time.Since(l.lastThrottle) >= forgetThrottles {
		l.lift()
	}
}

// throttlings are the codes that ask for fewer calls.
var throttlings = []string{"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"}

func isThrottling(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && slices.Contains(throttlings, api.ErrorCode())
}

// middleware makes every attempt of every call wait until the rate allows it.
func (l *rateLimiter) middleware(stack *middleware.Stack) error {
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("RateLimit", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		l.forget()
		if err := l.limiter.Wait(ctx); err != nil {
			// The rate allows no call before the caller's deadline.
			return middleware.FinalizeOutput{}, middleware.Metadata{}, fmt.Errorf("%w: %w", reconcile.ErrBusy, err)
		}
		out, metadata, err := next.HandleFinalize(ctx, in)
		if isThrottling(err) {
			l.throttled()
		} else {
			l.served()
		}
		return out, metadata, err
	}), "Retry", middleware.After)
}
