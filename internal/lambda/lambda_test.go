package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/lambda"
	"github.com/landfall/landfall/internal/local/clock"
	"github.com/landfall/landfall/internal/reconcile"
)

func TestTypeRoutesTheStateMachine(t *testing.T) {
	cases := map[string]struct {
		reason string
		err    error
		want   string
	}{
		"wrapped typed error":    {"%w must not hide the type", fmt.Errorf("load: %w", &catalog.InvalidError{Name: "hr"}), reconcile.CatalogInvalid},
		"joined typed errors":    {"several invalid catalogs are one error", errors.Join(&catalog.InvalidError{Name: "a"}, &catalog.InvalidError{Name: "b"}), reconcile.CatalogInvalid},
		"blueprint":              {"Glue refused the blueprint", &reconcile.BlueprintError{Name: "landfall"}, reconcile.BlueprintFailed},
		"throttled":              {"asked too fast: worth another try", fmt.Errorf("list: %w", &smithy.GenericAPIError{Code: "ThrottlingException"}), reconcile.Unavailable},
		"operation timeout":      {"Glue's own timeout", &types.OperationTimeoutException{}, reconcile.Unavailable},
		"connection":             {"the network, not the input", fmt.Errorf("get: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), reconcile.Unavailable},
		"busy":                   {"being changed by someone else", fmt.Errorf("update: %w", reconcile.ErrBusy), reconcile.Unavailable},
		"access denied":          {"no retry grants a permission", &smithy.GenericAPIError{Code: "AccessDeniedException"}, reconcile.Internal},
		"anything else":          {"a defect must not be retried for ever", errors.New("boom"), reconcile.Internal},
		"invalid input of a run": {"Glue will not change its mind", &types.InvalidInputException{}, reconcile.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := lambda.Type(c.err); got != c.want {
				t.Errorf("Type(%v) = %s, want %s: %s", c.err, got, c.want, c.reason)
			}
		})
	}
}

// No environment makes the time of a deployed function run fast: only the benchmark's build tag does.
func TestTheClockIgnoresTheBenchmarksVariable(t *testing.T) {
	t.Setenv(clock.Variable, clock.Fast(1e6, time.Now().Add(-time.Hour)).String())
	before := time.Now()
	if now := lambda.Now(); now.Before(before) || now.After(time.Now()) {
		t.Errorf("Now() = %s at %s", now, before)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lambda.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that the context was canceled", err)
	}
	if err := lambda.Sleep(t.Context(), 0); err != nil {
		t.Error(err)
	}
}

// A function that was not deployed by this stack must not start with empty names of buckets.
func TestEnvironmentNotesEverythingThatIsMissing(t *testing.T) {
	t.Setenv("PRESENT", "x")
	t.Setenv("EMPTY", "")
	t.Setenv("NUMBER", "2.5")
	t.Setenv("WORDS", "two")
	var env lambda.Environment
	if got := env.Get("PRESENT"); got != "x" {
		t.Errorf("PRESENT = %q", got)
	}
	if got := env.Number("NUMBER"); got != 2.5 {
		t.Errorf("NUMBER = %v", got)
	}
	env.Get("EMPTY") // set to nothing is set
	env.Get("ABSENT")
	env.Number("WORDS")
	env.Number("NONE")
	if want := []string{"ABSENT", "WORDS (no number)", "NONE"}; !slices.Equal(env.Missing(), want) {
		t.Errorf("missing %q, want %q: all are named at once", env.Missing(), want)
	}
}
