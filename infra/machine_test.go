package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/landfall/landfall/statemachine"
)

// integration is a call that the state machine makes by itself.
var integration = regexp.MustCompile(`arn:aws:states:::(\w+):(\w+)`)

// A service that the definition calls and the machine's role does not allow
// fails on AWS only: nothing on this machine asks IAM.
func TestTheMachineMayCallWhatItsDefinitionCalls(t *testing.T) {
	_, parsed := synth(t, "landing")
	var may map[string][]any
	for id, r := range parsed.Resources {
		if r.Type == "AWS::IAM::Policy" && strings.HasPrefix(id, "LandingRoleDefaultPolicy") {
			may = actions(r)
		}
	}
	wanted := map[string]string{} // action → what its resource must name
	for _, m := range integration.FindAllStringSubmatch(statemachine.Definition, -1) {
		action := m[1] + ":" + strings.ToUpper(m[2][:1]) + m[2][1:]
		switch m[1] {
		case "lambda":
			wanted["lambda:InvokeFunction"] = "ApplyChange"
		case "sns":
			wanted[action] = "Notices"
		default:
			wanted[action] = "Artifacts"
		}
	}
	if len(wanted) < 4 {
		t.Fatalf("the definition calls only %v: the search is broken", wanted)
	}
	for action, resource := range wanted {
		if !strings.Contains(fmt.Sprint(may[action]), resource) {
			t.Errorf("the machine's role allows %s on %v, want it on %s", action, may[action], resource)
		}
	}
}
