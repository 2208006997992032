// A crowd for load tests: doctors with sessions of their own and patients to be seen, put straight into the database.
import { createHash, randomBytes } from "node:crypto";

const REGION = 150000;
const FIRST_ID = 7_000_000; /* above the demo people, below the ids the daemons make */
const HOSPITAL = 31;
const TOWNSHIP = 21;
export const SPECIALTY = "load";

/**
 * @param reach  how many doctors are shown each order
 * @returns {Promise<{doctors: {account: number, cookie: string}[], persons: string[]}>}
 */
export async function makeCrowd(product, { doctors, persons, reach }) {
  const people = Array.from({ length: doctors }, (_, n) => {
    const secret = randomBytes(32).toString("hex");
    return { id: FIRST_ID + n, secret, hash: createHash("sha256").update(secret).digest("hex") };
  });
  await product.sql(`
    BEGIN;
    INSERT INTO records.staff (region_id, id, tenant_id, name, title, licence_no, licence_from, licence_until, specialties)
      SELECT ${REGION}, ${FIRST_ID} + n, ${HOSPITAL}, 'Load Doctor ' || n, '', 'LOAD-' || n, '2015-01-01', '2099-12-31', '{${SPECIALTY}}'
        FROM generate_series(0, ${doctors - 1}) n;
    INSERT INTO records.accounts (region_id, id, tenant_id, login, password_hash, name, staff_id)
      SELECT ${REGION}, ${FIRST_ID} + n, ${HOSPITAL}, 'load_doctor' || n, '!', 'Load Doctor ' || n, ${FIRST_ID} + n
        FROM generate_series(0, ${doctors - 1}) n;
    INSERT INTO records.account_roles (region_id, account_id, tenant_id, role)
      SELECT ${REGION}, ${FIRST_ID} + n, ${HOSPITAL}, 'doctor' FROM generate_series(0, ${doctors - 1}) n;
    INSERT INTO records.sessions (region_id, id, tenant_id, account_id, token_hash, created_at, seen_at, expires_at) VALUES
      ${people.map((p) => `(${REGION}, ${p.id}, ${HOSPITAL}, ${p.id}, '\\x${p.hash}', now(), now(), now() + interval '1 hour')`).join(",\n")};
    INSERT INTO records.persons (region_id, id, tenant_id, name, sex, birth_date)
      SELECT ${REGION}, ${FIRST_ID} + n, ${TOWNSHIP}, 'Load Person ' || n, 'unknown', '1970-01-01' FROM generate_series(0, ${persons - 1}) n;
    INSERT INTO scheduling.offer_policies (region_id, queue, tenant_id, shape, circles, circle_s, hand_max, serve_s, serve_urgent_s)
      VALUES (${REGION}, '${SPECIALTY}', 1, 'levels', '{${reach}}', '{0}', 1000000, 3600, 3600);
    COMMIT;`);
  return {
    doctors: people.map((p) => ({ account: p.id, cookie: `yz_session=${p.secret}` })),
    persons: Array.from({ length: persons }, (_, n) => String(FIRST_ID + n)),
  };
}
