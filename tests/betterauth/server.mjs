// A Better-Auth as a team would run it, on loopback: `node server.mjs '{"port": …, "database": "postgresql://…", …}'`.

import { createServer } from "node:http";
import { redisStorage } from "@better-auth/redis-storage";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { admin, bearer, jwt } from "better-auth/plugins";
import { Redis } from "ioredis";
import pg from "pg";

const wishes = JSON.parse(process.argv[2]);
const baseURL = `http://127.0.0.1:${wishes.port}`;
// How a password is kept is nothing that Perennial sees; hashing it properly would take most of the tests' time.
const quick = { hash: async (password) => password, verify: async ({ hash, password }) => hash === password };
// A storage of a team's own, as Better-Auth's documentation shows it: keys have no prefix.
const withoutPrefix = ({ client }) => ({
  get: (key) => client.get(key),
  set: (key, value, ttl) => (ttl ? client.set(key, value, "EX", ttl) : client.set(key, value)),
  delete: (key) => client.del(key),
});
const storage = wishes.withoutPrefix ? withoutPrefix : redisStorage;
const options = {
  baseURL,
  secret: wishes.secret,
  secrets: wishes.secrets,
  database: new pg.Pool({ connectionString: wishes.database }),
  emailAndPassword: { enabled: true, password: quick },
  telemetry: { enabled: false },
  session: {
    storeSessionInDatabase: wishes.storeSessionInDatabase,
    preserveSessionInDatabase: wishes.preserveSessionInDatabase,
  },
  advanced: {
    useSecureCookies: wishes.useSecureCookies,
    cookiePrefix: wishes.cookiePrefix,
    database: { generateId: wishes.generateId },
  },
  plugins: wishes.bare ? [] : [bearer(), admin(), jwt({ jwt: { expirationTime: wishes.jwtExpirationTime ?? "15m" } })],
  ...(wishes.redis && { secondaryStorage: storage({ client: new Redis(wishes.redis) }) }),
};

if (wishes.migrate) await (await getMigrations(options)).runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(wishes.port, "127.0.0.1");
