package glue

import (
	"encoding/base64"
	"maps"
	"slices"
	"sort"
)

// pageInput is the paging part of a list request. The limit of MaxResults differs by operation.
type pageInput struct {
	NextToken  string
	MaxResults *int
}

func (in pageInput) size(standard int) int {
	if in.MaxResults == nil {
		return standard
	}
	return *in.MaxResults
}

// after returns what the token names: the last entry of the page before.
func (in pageInput) after() (string, error) {
	last, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	if err != nil {
		return "", invalid("NextToken is not valid")
	}
	return string(last), nil
}

func token(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

// page returns one page of sorted names, and the token of the next one. Names created and deleted meanwhile move no
// others from page to page.
func page(names []string, in pageInput, standard int) ([]string, string, error) {
	size := in.size(standard)
	last, err := in.after()
	if err != nil {
		return nil, "", err
	}
	names = names[sort.Search(len(names), func(i int) bool { return names[i] > last }):]
	if len(names) <= size {
		return names, "", nil
	}
	return names[:size], token(names[size-1]), nil
}

// history returns one page of a list that only grows, newest first, and the token of the next one.
func history[T any](list []T, in pageInput, standard int, id func(T) string) ([]T, string, error) {
	size := in.size(standard)
	end := len(list)
	if in.NextToken != "" {
		last, err := in.after()
		if end = slices.IndexFunc(list, func(v T) bool { return id(v) == last }); err != nil || end < 0 {
			return nil, "", invalid("NextToken is not valid")
		}
	}
	start := max(0, end-size)
	out := slices.Clone(list[start:end])
	slices.Reverse(out)
	if start == 0 {
		return out, "", nil
	}
	return out, token(id(list[start])), nil
}

// names returns the sorted keys; an empty list is not nil, as it must not become null on the wire.
func names[T any](m map[string]T) []string {
	list := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(list)
	return list
}

// found splits wanted names into what exists and what does not, each once.
func found[T any](m map[string]T, wanted []string) (have []T, missing []string) {
	seen := map[string]bool{}
	have, missing = []T{}, []string{}
	for _, name := range wanted {
		if seen[name] {
			continue
		}
		seen[name] = true
		if v, ok := m[name]; ok {
			have = append(have, v)
		} else {
			missing = append(missing, name)
		}
	}
	return have, missing
}
