package postgres

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// identity is the user a server runs as. PostgreSQL refuses root, and initdb refuses a user id without a name.
// The zero value is the current user.
type identity struct {
	// namespaceUID is the user id the current user appears as inside a user namespace of the server's own; file
	// access stays that of the current user. 0 means no namespace.
	namespaceUID int
	// credential is another user to run as; only root may.
	credential *syscall.Credential
}

func (i identity) String() string {
	switch {
	case i.namespaceUID != 0:
		return fmt.Sprintf("user %d of a user namespace", i.namespaceUID)
	case i.credential != nil:
		return fmt.Sprintf("user %d", i.credential.Uid)
	default:
		return "the current user"
	}
}

// identities lists the identities to try, best first.
func identities() []identity {
	_, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if os.Geteuid() != 0 && err == nil {
		return []identity{{}}
	}
	other := namedUser()
	tries := []identity{{namespaceUID: int(other.Uid)}}
	if os.Geteuid() == 0 {
		tries = append(tries, identity{credential: &other})
	}
	return tries
}

// namedUser finds an ordinary user with a name: nobody where it has its usual number, else any low one.
func namedUser() syscall.Credential {
	for _, uid := range []uint32{65534, 1000, 1, 2} {
		if u, err := user.LookupId(strconv.Itoa(int(uid))); err == nil {
			gid, _ := strconv.Atoi(u.Gid)
			return syscall.Credential{Uid: uid, Gid: uint32(gid)}
		}
	}
	return syscall.Credential{Uid: 65534, Gid: 65534}
}
