package generator

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"sync"
)

// Cache remembers what layout generators returned, for Pools that run the same blueprints over and over. It takes
// them for pure functions of their parameters; only the suffix of names differs from one blueprint run to the next.
// The zero value is ready.
type Cache struct{ entries sync.Map }

// suffixMark stands for the suffix while a generator runs. It has the length and the letters of one.
const suffixMark = "5ff1e5d0"

type remembered struct {
	mu     sync.Mutex
	layout []byte
	err    error
}

func (c *Cache) generate(p *Pool, b *Blueprint, values map[string]json.RawMessage, suffix string) (*Layout, error) {
	sum := sha256.New()
	sum.Write(b.zip)
	sum.Write(marshal([]any{b.generator, b.folder, values, p.config.Region, p.config.AccountID}))
	entry, _ := c.entries.LoadOrStore(string(sum.Sum(nil)), &remembered{})
	r := entry.(*remembered)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.layout == nil && r.err == nil {
		made, err := p.generate(b, values, suffixMark)
		switch {
		case p.ctx.Err() != nil:
			return nil, p.ctx.Err()
		case err != nil:
			r.err = err
		default:
			r.layout = marshal(made)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	made := &Layout{}
	err := json.Unmarshal(bytes.ReplaceAll(r.layout, []byte(suffixMark), []byte(suffix)), made)
	return made, err
}
