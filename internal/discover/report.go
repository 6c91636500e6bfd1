package discover

import "encoding/json"

// Report is what a discovery found and decided.
type Report struct {
	Database string `json:"database"`
	// Tables are those with a new entry, and the reasons.
	Tables []Proposal `json:"tables"`
	// Kept is how many entries of the catalog were there before.
	Kept     int       `json:"kept"`
	Findings []Finding `json:"findings"`
	LeftOut  []LeftOut `json:"leftOut"`
	Notes    []string  `json:"notes"`
	Seconds  float64   `json:"seconds"`
	// Catalog is the catalog itself, where it is written nowhere else.
	Catalog json.RawMessage `json:"catalog,omitempty"`
}
