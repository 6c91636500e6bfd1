package dbsecret_test

import (
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/dbsecret"
)

func TestParse(t *testing.T) {
	cases := map[string]struct {
		reason, text string
		want         dbsecret.Secret
	}{
		"of RDS": {
			"a number as the port, keys that do not concern the login",
			`{"engine": "postgres", "host": "db.example", "port": 6432, "dbname": "h r", "username": "u'x", "password": "p\\a's s", "dbInstanceIdentifier": "x"}`,
			dbsecret.Secret{Engine: "postgres", Host: "db.example", Port: 6432, Database: "h r", Username: "u'x", Password: `p\a's s`},
		},
		"a port in quotes": {"as the console's form writes it", `{"host": "h", "port": "6432", "dbname": "d", "username": "u", "password": "p"}`, dbsecret.Secret{Host: "h", Port: 6432, Database: "d", Username: "u", Password: "p"}},
		"no port":          {"the engine's own", `{"host": "h", "port": "", "dbname": "d", "username": "u", "password": "p"}`, dbsecret.Secret{Host: "h", Database: "d", Username: "u", Password: "p"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := dbsecret.Parse(c.text)
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v: %s", got, err, c.reason)
			}
			if again, err := dbsecret.Parse(got.JSON()); err != nil || again != got {
				t.Errorf("written and read again it is %+v, %v", again, err)
			}
		})
	}
	for name, text := range map[string]string{
		"no object": `"hunter2"`, "nothing": `{"password": "hunter2"}`,
		"a port": `{"host": "h", "dbname": "d", "username": "u", "password": "hunter2", "port": "x"}`, "port 0": `{"host": "h", "dbname": "d", "username": "u", "password": "hunter2", "port": 0}`,
	} {
		if _, err := dbsecret.Parse(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
