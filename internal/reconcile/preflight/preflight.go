// Package preflight checks, before the first change of a plan, what its creates
// and updates need: roles, secrets, connections, buckets, and room in Glue's quotas.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// maxParameters is what Glue takes as the parameters of one blueprint run, in characters (glue.md §1.3).
const maxParameters = 131072

// parallelChecks bounds the checks that are made at the same time.
const parallelChecks = 16

// Account is the account's IAM, Secrets Manager and Service Quotas. Checks return
// reconcile.ErrNotFound for what does not exist, and any other error when they cannot be made.
type Account interface {
	// Quotas returns the applied Service Quotas of Glue.
	Quotas(ctx context.Context) (Quotas, error)
	// CheckRole and CheckSecret take a name or an ARN.
	CheckRole(ctx context.Context, role string) error
	CheckSecret(ctx context.Context, secret string) error
}

// Quotas are those of Glue in this account and Region; zero where not known.
type Quotas struct{ Workflows, Triggers, Jobs int }

// Connections is the part of Glue that holds connections.
type Connections interface {
	// CheckConnection is a check like those of Account.
	CheckConnection(ctx context.Context, name string) error
}

// Buckets is S3 in every account.
type Buckets interface {
	// CheckBucket is a check like those of Account. It returns
	// reconcile.ErrForbidden unless the account owns the bucket.
	CheckBucket(ctx context.Context, name, account string) error
}

// Checks implements reconcile.Preflight. All fields are required.
type Checks struct {
	Account     Account
	Connections Connections
	Buckets     Buckets
	Log         *slog.Logger
}

// need is one thing that tables need to be there.
type need struct{ kind, name string }

// Check asks about each thing once, and about nothing when nothing is to be created or updated.
func (r *Checks) Check(ctx context.Context, in reconcile.PreflightInput) (reconcile.PreflightResult, error) {
	refused := map[string]string{}
	var unchecked []string
	needs := map[need][]plan.Change{}
	for _, c := range in.Plan.Changes {
		if c.Action != plan.Create && c.Action != plan.Update {
			continue
		}
		if n := len([]rune(c.Parameters.JSON())); n > maxParameters {
			refused[c.Workflow] = fmt.Sprintf("the parameters of its blueprint run have %d characters; Glue takes %d. Shorten the entry", n, maxParameters)
		}
		for kind, parameter := range map[string]string{
			"role": "GlueExecutionRole", "secret": "SecretName", "connection": "NetworkConnectionName", "bucket": "DestinationBucketName",
		} {
			if name := c.Parameters.Text(parameter); name != "" {
				needs[need{kind, name}] = append(needs[need{kind, name}], c)
			}
		}
	}
	answers := r.ask(ctx, needs, in.Accounts)
	skipped := map[string]bool{}
	for n, changes := range needs {
		for _, c := range changes {
			message, made := explain(n, answers[answerKey(n, c.Catalog)])
			if !made {
				skipped[n.kind] = true
			}
			if message != "" && refused[c.Workflow] == "" {
				refused[c.Workflow] = message
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(skipped)) {
		unchecked = append(unchecked, fmt.Sprintf("whether each %s exists was not checked: the permission is missing or the service did not answer", kind))
	}
	if err := ctx.Err(); err != nil {
		return reconcile.PreflightResult{}, err
	}
	return reconcile.PreflightResult{Refused: refused, Unchecked: append(unchecked, r.quotas(ctx, in, refused)...)}, nil
}

// answerKey tells the catalogs apart where the answer depends on them: a
// bucket's owner must be one that the catalog allows.
func answerKey(n need, catalog string) need {
	if n.kind == "bucket" {
		n.name += "\x00" + catalog
	}
	return n
}

// ask makes every check once.
func (r *Checks) ask(ctx context.Context, needs map[need][]plan.Change, accounts map[string][]string) map[need]error {
	var mu sync.Mutex
	answers := map[need]error{}
	group := errgroup.Group{}
	group.SetLimit(parallelChecks)
	for n, changes := range needs {
		for _, c := range changes {
			key := answerKey(n, c.Catalog)
			mu.Lock()
			_, asked := answers[key]
			if !asked {
				answers[key] = nil
			}
			mu.Unlock()
			if asked {
				continue
			}
			group.Go(func() error {
				err := r.check(ctx, n, accounts[c.Catalog])
				mu.Lock()
				defer mu.Unlock()
				answers[key] = err
				return nil
			})
		}
	}
	_ = group.Wait()
	return answers
}

func (r *Checks) check(ctx context.Context, n need, accounts []string) error {
	switch n.kind {
	case "role":
		return r.Account.CheckRole(ctx, n.name)
	case "secret":
		return r.Account.CheckSecret(ctx, n.name)
	case "connection":
		return r.Connections.CheckConnection(ctx, n.name)
	default:
		for _, account := range accounts {
			if err := r.Buckets.CheckBucket(ctx, n.name, account); !errors.Is(err, reconcile.ErrForbidden) {
				return err
			}
		}
		if len(accounts) > 1 {
			// Another account's bucket may let in the jobs and not this function.
			return fmt.Errorf("bucket %q: %w", n.name, reconcile.ErrRefused)
		}
		return reconcile.ErrForbidden
	}
}

// explain turns a check's answer into the reason to refuse a table, and tells whether the check was made.
func explain(n need, err error) (message string, made bool) {
	switch {
	case err == nil:
		return "", true
	case errors.Is(err, reconcile.ErrNotFound):
		return fmt.Sprintf("there is no %s %q in this account and Region; create it, or correct the entry", n.kind, n.name), true
	case errors.Is(err, reconcile.ErrForbidden) && n.kind == "bucket":
		return fmt.Sprintf("bucket %q belongs to another account, or its policy keeps Landfall out; name the account in BucketOwners if it is meant", n.name), true
	}
	return "", false
}

// quotas refuses the creates and updates that have no room, the last ones of the plan first.
func (r *Checks) quotas(ctx context.Context, in reconcile.PreflightInput, refused map[string]string) (unchecked []string) {
	creates, updates := 0, 0
	for _, c := range in.Plan.Changes {
		if refused[c.Workflow] == "" {
			creates += map[plan.Action]int{plan.Create: 1}[c.Action]
			updates += map[plan.Action]int{plan.Update: 1}[c.Action]
		}
	}
	if creates+updates == 0 {
		return nil
	}
	limits, err := r.Account.Quotas(ctx)
	if err != nil {
		r.Log.Warn("quotas not read", "error", err)
		return []string{"whether Glue's quotas leave room was not checked: the permission is missing or Service Quotas did not answer"}
	}
	for _, q := range []struct {
		name        string
		limit, used int
	}{
		{"workflows", limits.Workflows, in.Workflows}, {"triggers", limits.Triggers, in.Triggers}, {"jobs", limits.Jobs, in.Jobs},
	} {
		if q.limit == 0 {
			unchecked = append(unchecked, fmt.Sprintf("the quota of %s was not checked: Service Quotas does not tell it", q.name))
			continue
		}
		room := max(0, q.limit-q.used)
		for _, c := range in.Plan.Changes {
			if refused[c.Workflow] != "" {
				continue
			}
			switch {
			case c.Action == plan.Create && room > 0:
				room--
			case c.Action == plan.Create, c.Action == plan.Update && q.limit <= q.used:
				refused[c.Workflow] = fmt.Sprintf("the account's quota of %d Glue %s is used up: %d held, %d more needed. Raise it in Service Quotas, or land fewer tables in this account and Region",
					q.limit, q.name, q.used, creates+updates)
			}
		}
	}
	return unchecked
}
