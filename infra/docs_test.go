package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestTheJobRoleIsDocumented: whoever writes a role of their own by docs/aws.md allows what the jobs need. Of EC2's
// actions, which Glue itself needs for a connection, the page says what they do.
func TestTheJobRoleIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("testdata/landing.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Properties struct {
				PolicyDocument struct {
					Statement []struct{ Action any }
				}
			}
		}
	}
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "### A job role of your own")
	section, _, _ = strings.Cut(section, "\n## ")
	actions := 0
	for name, resource := range template.Resources {
		if !strings.HasPrefix(name, "JobRoleDefaultPolicy") {
			continue
		}
		for _, statement := range resource.Properties.PolicyDocument.Statement {
			list, ok := statement.Action.([]any)
			if !ok {
				list = []any{statement.Action}
			}
			for _, action := range list {
				actions++
				if text := action.(string); !strings.HasPrefix(text, "ec2:") && !strings.Contains(section, "`"+text+"`") {
					t.Errorf("docs/aws.md does not say that the job role needs %s", text)
				}
			}
		}
	}
	if actions < 15 {
		t.Errorf("the template's job role has %d actions; is it found at all?", actions)
	}
}
