-- Phones: who replied to a text message is known by the number.

CREATE INDEX clients_by_phone ON clients (tenant, (profile ->> 'phone')) WHERE profile ? 'phone';
