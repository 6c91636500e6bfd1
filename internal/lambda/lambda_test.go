package lambda_test

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/smithy-go"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/lambda"
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
