package catalog

import _ "embed"

//go:embed catalog.schema.json
var schema []byte

// Schema is the JSON Schema (2020-12) of catalogs, for editors and other
// tools. Parse refuses everything that it refuses, and the few things that a
// JSON Schema cannot say.
func Schema() []byte { return append([]byte(nil), schema...) }
