package reconcile_test

import (
	"context"
	"errors"
	"sync"

	"github.com/landfall/landfall/internal/reconcile/preflight"
)

// fakeAccount is an account in which everything exists but what is missing.
type fakeAccount struct {
	missing map[string]error
	quotas  preflight.Quotas
	err     error
	asked   []string
	mu      sync.Mutex
}

func (h *fakeAccount) ask(kind, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, kind+" "+name)
	return h.missing[kind+" "+name]
}

func (h *fakeAccount) Quotas(context.Context) (preflight.Quotas, error) {
	return h.quotas, errors.Join(h.ask("quotas", "glue"), h.err)
}

func (h *fakeAccount) CheckRole(_ context.Context, name string) error { return h.ask("role", name) }

func (h *fakeAccount) CheckSecret(_ context.Context, name string) error { return h.ask("secret", name) }

func (h *fakeAccount) CheckConnection(_ context.Context, name string) error {
	return h.ask("connection", name)
}

func (h *fakeAccount) CheckBucket(_ context.Context, name, account string) error {
	return h.ask("bucket", name+" of "+account)
}
