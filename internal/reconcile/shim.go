package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/landfall/landfall/internal/catalog"
)

// What report.go, watchtables.go and preflight.go need until they are packages of their own.

// Reconciler carries what they work on.
type Reconciler struct {
	Objects     shimObjects
	Watched     Watched
	Metrics     Metrics
	Account     Account
	Connections Connections
	Buckets     Buckets
	Now         func() time.Time
	Log         *slog.Logger
}

type shimObjects interface {
	LockObjects
	Writer
}

type (
	desiredFile = DesiredFile
	holdings    struct{ workflows, triggers, jobs int }
	// PlanSettings is the account.
	PlanSettings struct{ AccountID string }
	// Account is what else the account holds.
	Account interface {
		Quotas(ctx context.Context) (Quotas, error)
		CheckRole(ctx context.Context, role string) error
		CheckSecret(ctx context.Context, secret string) error
	}
	// Quotas of Glue in this account and Region; zero where not known.
	Quotas struct{ Workflows, Triggers, Jobs int }
	// Connections is the part of Glue that holds connections.
	Connections interface {
		CheckConnection(ctx context.Context, name string) error
	}
	// Buckets is S3 in every account.
	Buckets interface {
		CheckBucket(ctx context.Context, name, account string) error
	}
)

const applyParallel = 16

func desiredKey(execution string) string     { return DesiredKey(execution) }
func planKey(execution string) string        { return PlanKey(execution) }
func outcomesPrefix(execution string) string { return OutcomesPrefix(execution) }

func (r *Reconciler) getJSON(ctx context.Context, key string, v any) error {
	return ReadJSON(ctx, r.Objects, key, v)
}

func (r *Reconciler) release(ctx context.Context, executionARN string, undone func(string) bool) error {
	return Locks{r.Objects}.Release(ctx, executionARN, undone)
}

func (r *Reconciler) catalogObjects(ctx context.Context, _ string) ([]Object, error) {
	return ListCatalogs(ctx, r.Objects, "catalogs/")
}

func (r *Reconciler) parse(ctx context.Context, d catalog.Deployment, name string, o Object) (*catalog.Catalog, error) {
	return ParseCatalog(ctx, r.Objects, d, name, o)
}

// Check implements Preflight.
func (r *Reconciler) Check(ctx context.Context, in PreflightInput) (PreflightResult, error) {
	s, owners := PlanSettings{}, map[string][]string{}
	for name, accounts := range in.Accounts {
		s.AccountID, owners[name] = accounts[0], accounts[1:]
	}
	refused, unchecked, err := r.preflight(ctx, s, in.Plan, holdings{in.Workflows, in.Triggers, in.Jobs}, owners)
	return PreflightResult{Refused: refused, Unchecked: unchecked}, err
}
