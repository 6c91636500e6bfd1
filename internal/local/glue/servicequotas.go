package glue

// ServiceQuota is a quota as Service Quotas lists it.
type ServiceQuota struct {
	ServiceCode, QuotaCode, QuotaName string
	Value                             float64
	Adjustable                        bool
}

// unlimited is the value shown for a quota that is switched off.
const unlimited = 1e9

// ServiceQuotas are those of the account, under the codes of Service Quotas.
func (s *Server) ServiceQuotas() []ServiceQuota {
	q := s.config.Quotas
	list := []ServiceQuota{
		{"glue", "L-7DD7C33A", "Max workflows per account", float64(q.Workflows), true},
		{"glue", "L-F1653A6D", "Max triggers per account", float64(q.Triggers), true},
		{"glue", "L-611FDDE4", "Max jobs per account", float64(q.Jobs), true},
	}
	for i := range list {
		if list[i].Value < 0 {
			list[i].Value = unlimited
		}
	}
	return list
}
