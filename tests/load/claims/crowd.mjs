// A crowd for load tests: doctors with a bearer token each and patients to be seen, put straight into the database.

const REGION = 150000;
const FIRST_ID = 7_000_000; /* above the demo people, below the ids the daemons make */
const HOSPITAL = 31;
const TOWNSHIP = 21;
export const SPECIALTY = "load";

/**
 * @param reach  how many doctors are shown each order
 * @returns {Promise<{doctors: {account: number, token: string}[], persons: string[]}>}
 */
export async function makeCrowd(product, { doctors, persons, reach }) {
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
    INSERT INTO records.persons (region_id, id, tenant_id, name, sex, birth_date)
      SELECT ${REGION}, ${FIRST_ID} + n, ${TOWNSHIP}, 'Load Person ' || n, 'unknown', '1970-01-01' FROM generate_series(0, ${persons - 1}) n;
    INSERT INTO scheduling.offer_policies (region_id, queue, tenant_id, shape, circles, circle_s, hand_max, serve_s, serve_urgent_s)
      VALUES (${REGION}, '${SPECIALTY}', 1, 'levels', '{${reach}}', '{0}', 1000000, 3600, 3600);
    COMMIT;`);
  return {
    doctors: await Promise.all(Array.from({ length: doctors }, async (_, n) => ({
      account: FIRST_ID + n,
      token: await loadToken(product, `load_doctor${n}`),
    }))),
    persons: Array.from({ length: persons }, (_, n) => String(FIRST_ID + n)),
  };
}

/** A token for every room, which on loopback is not held to one person's pace. */
export const loadToken = (product, login) => product.token(login, "--room", "*", "--subscribe");
