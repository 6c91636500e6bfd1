package discover

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// New is a new catalog of these tables, which the login of the secret reads. The name is the catalog's.
func New(name, secret string, proposals []Proposal) []byte {
	defaults := append([]member{{"SecretName", text(secret)}}, commonDefaults(proposals)...)
	given := map[string]string{}
	for _, m := range defaults {
		given[m.key] = m.json
	}
	names := workflowNames(name, proposals, nil)
	var b strings.Builder
	b.WriteString("{\n  \"Defaults\": " + lines(defaults, style{indent: "  ", inner: "    ", wide: true}) + ",\n  \"WorkflowList\": [\n")
	for i, p := range proposals {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("    " + lines(p.entry(given, names[p.Table]), style{indent: "    ", inner: "      "}))
	}
	b.WriteString("\n  ]\n}\n")
	return []byte(b.String())
}

// workflowNames are those that must be given because two tables would get one name, or one that no workflow may have.
func workflowNames(name string, proposals []Proposal, taken []string) map[string]string {
	count := map[string]int{}
	for _, workflow := range taken {
		count[workflow]++
	}
	for _, p := range proposals {
		count[catalog.DerivedName(name, p.schema, p.name)]++
	}
	given := map[string]string{}
	for _, p := range proposals {
		derived := catalog.DerivedName(name, p.schema, p.name)
		if count[derived] == 1 && catalog.CheckWorkflowName(derived) == nil {
			continue
		}
		sum := sha256.Sum256([]byte(p.Table))
		unique := "_" + hex.EncodeToString(sum[:4])
		if given[p.Table] = derived + unique; catalog.CheckWorkflowName(derived+unique) != nil {
			given[p.Table] = name[:min(len(name), 100)] + unique
		}
	}
	return given
}

var notInSecrets = regexp.MustCompile(`[^A-Za-z0-9/_+=.@-]`)

// SecretPart is a database's name as a part of a secret's.
func SecretPart(database string) string { return notInSecrets.ReplaceAllString(database, "_") }
