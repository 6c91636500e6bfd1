// Package preflight checks, before the first change of a plan, what its creates
// and updates need: roles, connections, secrets, buckets, and room in Glue's quotas.
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

// maxParameters is Glue's limit of a blueprint run's parameters, in characters.
const maxParameters = 131072

// parallelChecks bounds the checks that are made at the same time.
const parallelChecks = 16

// Account is the account's IAM, Secrets Manager and Service Quotas. A check returns
// reconcile.ErrNotFound for what does not exist, and any other error when it cannot be made.
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

// kinds are what a table may require, in the order in which it is reported.
var kinds = []struct {
	name, parameter string
	// scope is where it must exist.
	scope string
}{
	{"role", "GlueExecutionRole", " in this account"},
	{"connection", "NetworkConnectionName", " in this account and Region"},
	{"secret", "SecretName", " in this account and Region"},
	{"bucket", "DestinationBucketName", ""},
}

// requirement is one thing that tables need. Kind is an index of kinds. Catalog
// is set for a bucket only, whose owner must be an account that the catalog allows.
type requirement struct {
	kind          int
	name, catalog string
}

func requirements(c plan.Change) []requirement {
	var needed []requirement
	for i, kind := range kinds {
		name := c.Parameters.Text(kind.parameter)
		if name == "" {
			continue
		}
		needed = append(needed, requirement{kind: i, name: name})
		if kind.name == "bucket" {
			needed[len(needed)-1].catalog = c.Catalog
		}
	}
	return needed
}

// Check asks about each thing once, and about nothing when nothing is to be
// created or updated. Reasons come in a fixed order: the size of the parameters,
// what does not exist in the order of kinds, then quotas.
func (p *Checks) Check(ctx context.Context, in reconcile.PreflightInput) (reconcile.PreflightResult, error) {
	changes := slices.DeleteFunc(slices.Clone(in.Plan.Changes), func(c plan.Change) bool {
		return c.Action != plan.Create && c.Action != plan.Update
	})
	if len(changes) == 0 {
		return reconcile.PreflightResult{}, nil
	}
	answers := p.runChecks(ctx, changes, in.Accounts)
	if err := ctx.Err(); err != nil {
		return reconcile.PreflightResult{}, err
	}
	found := reconcile.PreflightResult{Refused: map[string][]string{}}
	unchecked := make([]bool, len(kinds))
	for _, c := range changes {
		var reasons []string
		if n := len([]rune(c.Parameters.JSON())); n > maxParameters {
			reasons = append(reasons, fmt.Sprintf("the parameters of its blueprint run have %d characters; Glue takes %d. Shorten the entry", n, maxParameters))
		}
		for _, r := range requirements(c) {
			reason, checked := refusalReason(r, answers[r])
			unchecked[r.kind] = unchecked[r.kind] || !checked
			if reason != "" {
				reasons = append(reasons, reason)
			}
		}
		if len(reasons) > 0 {
			found.Refused[c.Workflow] = reasons
		}
	}
	for i, kind := range kinds {
		if unchecked[i] {
			found.Unchecked = append(found.Unchecked, fmt.Sprintf("whether each %s exists was not checked: the permission is missing or the service did not answer", kind.name))
		}
	}
	p.checkQuotas(ctx, changes, in, &found)
	return found, nil
}

// runChecks makes every check once.
func (p *Checks) runChecks(ctx context.Context, changes []plan.Change, accounts map[string][]string) map[requirement]error {
	var mu sync.Mutex
	answers := map[requirement]error{}
	for _, c := range changes {
		for _, r := range requirements(c) {
			answers[r] = nil
		}
	}
	var group errgroup.Group
	group.SetLimit(parallelChecks)
	for _, r := range slices.Collect(maps.Keys(answers)) {
		group.Go(func() error {
			err := p.check(ctx, r, accounts[r.catalog])
			mu.Lock()
			defer mu.Unlock()
			answers[r] = err
			return nil
		})
	}
	_ = group.Wait() // no check returns an error
	return answers
}

func (p *Checks) check(ctx context.Context, r requirement, accounts []string) error {
	switch kinds[r.kind].name {
	case "role":
		return p.Account.CheckRole(ctx, r.name)
	case "connection":
		return p.Connections.CheckConnection(ctx, r.name)
	case "secret":
		return p.Account.CheckSecret(ctx, r.name)
	}
	for _, account := range accounts {
		if err := p.Buckets.CheckBucket(ctx, r.name, account); !errors.Is(err, reconcile.ErrForbidden) {
			return err
		}
	}
	if len(accounts) > 1 {
		// Another account's bucket may admit the jobs and not this function.
		return fmt.Errorf("bucket %q: %w", r.name, reconcile.ErrRefused)
	}
	return reconcile.ErrForbidden
}

// refusalReason is why a table is refused, or empty; checked reports whether the check could be made.
func refusalReason(r requirement, err error) (reason string, checked bool) {
	kind := kinds[r.kind]
	switch {
	case err == nil:
		return "", true
	case errors.Is(err, reconcile.ErrNotFound):
		return fmt.Sprintf("there is no %s %q%s; create it, or correct %s", kind.name, r.name, kind.scope, kind.parameter), true
	case errors.Is(err, reconcile.ErrForbidden) && kind.name == "bucket":
		return fmt.Sprintf("bucket %q belongs to another account, or its policy denies Landfall access; name the account in BucketOwners if that is intended", r.name), true
	}
	return "", false
}

// checkQuotas refuses the creates and updates for which a quota leaves no room.
// Room goes first to tables that are not refused otherwise, in the plan's order.
func (p *Checks) checkQuotas(ctx context.Context, changes []plan.Change, in reconcile.PreflightInput, found *reconcile.PreflightResult) {
	limits, err := p.Account.Quotas(ctx)
	if err != nil {
		p.Log.Warn("quotas not read", "error", err)
		found.Unchecked = append(found.Unchecked, "whether Glue's quotas leave room was not checked: the permission is missing or Service Quotas did not answer")
		return
	}
	slices.SortStableFunc(changes, func(a, b plan.Change) int {
		return min(1, len(found.Refused[a.Workflow])) - min(1, len(found.Refused[b.Workflow]))
	})
	for _, q := range []struct {
		name        string
		limit, used int
	}{
		{"workflows", limits.Workflows, in.Workflows}, {"triggers", limits.Triggers, in.Triggers}, {"jobs", limits.Jobs, in.Jobs},
	} {
		if q.limit == 0 {
			found.Unchecked = append(found.Unchecked, fmt.Sprintf("the quota of %s was not checked: Service Quotas does not list it", q.name))
			continue
		}
		room := max(0, q.limit-q.used)
		reason := fmt.Sprintf("the account's quota of %d Glue %s is used up: %d exist, %d more are needed. Raise it in Service Quotas, or land fewer tables in this account and Region",
			q.limit, q.name, q.used, len(changes))
		for _, c := range changes {
			switch {
			case c.Action == plan.Create && room > 0:
				room--
			case c.Action == plan.Create, q.limit <= q.used: // an update needs room for its staging workflow
				found.Refused[c.Workflow] = append(found.Refused[c.Workflow], reason)
			}
		}
	}
}
