package glue

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/glue"
)

// Retry makes a client of the SDK repeat throttled and overlapping calls, at most so many attempts per call. The SDK by
// itself repeats neither ConcurrentModificationException nor OperationTimeoutException.
func Retry(attempts int) func(*glue.Options) {
	return func(o *glue.Options) {
		o.Retryer = retry.AddWithErrorCodes(retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = attempts
			s.MaxBackoff = 10 * time.Second
			// Calls that are throttled are repeated for as long as the attempts last.
			s.RateLimiter = ratelimit.None
		}), "ConcurrentModificationException", "OperationTimeoutException")
	}
}
