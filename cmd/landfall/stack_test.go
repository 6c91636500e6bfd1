package main

import (
	"os"
	"testing"

	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/stacktest"
)

// testStack is the stack that the commands under test work on.
type testStack struct{ *stacktest.Stack }

// deployStack also points the SDK's default configuration at the endpoint.
func deployStack(t *testing.T, config localglue.Config) *testStack {
	t.Helper()
	s := stacktest.Deploy(t, stacktest.Config{Root: "../..", Glue: config, Uploads: true})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": *s.Config.BaseEndpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": s.Config.Region,
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "NO_COLOR": "", "CLICOLOR_FORCE": "", "LANDFALL_STACK": "",
	} {
		t.Setenv(name, value)
	}
	return &testStack{s}
}
