package engines_test

import (
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/dbsecret"
	"github.com/landfall/landfall/internal/discover/engines"
)

// TestUnknownEngines: a secret of another engine is refused before anything is sent to its server.
func TestUnknownEngines(t *testing.T) {
	const want = `the engine "mysql" is not supported; want postgres, postgresql, aurora-postgresql`
	_, err := engines.Connect(t.Context(), dbsecret.Secret{Engine: "mysql", Host: "127.0.0.1", Database: "d", Username: "u", Password: "hunter2"})
	if err == nil || err.Error() != want {
		t.Errorf("secret: got error %v, want %s", err, want)
	}
	_, err = engines.ConnectURL(t.Context(), "mysql://u:hunter2@127.0.0.1/d")
	if err == nil || err.Error() != want {
		t.Errorf("URL: got error %v, want %s", err, want)
	}
}

func TestURLsWithoutASchemeArePostgreSQLs(t *testing.T) {
	_, err := engines.ConnectURL(t.Context(), "host=127.0.0.1 port=0 password=hunter2")
	if err == nil || !strings.Contains(err.Error(), "port") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %v, want PostgreSQL's about the port", err)
	}
}
