/**
 * The sidecar: sees every connection of a monitor's servers live, over HTTP.
 *
 * {@linkcode serveDashboard} listens by itself; {@linkcode dashboard} is a Hono
 * app to mount in your own. Below their base path they answer:
 *
 * | endpoint | answer |
 * |---|---|
 * | `GET /` | the page |
 * | `GET /api/snapshot` | {@linkcode Snapshot} |
 * | `GET /api/connections?sort=&order=&q=&state=&wire=&page=&limit=` | `{total, page, limit, connections}` |
 * | `GET /api/connections/:id` | {@linkcode ConnectionDetail} |
 * | `DELETE /api/connections/:id` | 204: it is being disconnected; admin only |
 * | `GET /events?requests=1&after=` | the event stream |
 * | `POST /events/:stream` | 204: its client still reads |
 * | `GET /metrics` | Prometheus text |
 * | `GET /healthz` | 200: the process answers |
 * | `GET /readyz` | 200, or 503 while nothing listens or something drains |
 * | `POST /api/login` | `{"token": "..."}` for a session cookie |
 * | `POST /api/logout` | 204 |
 *
 * A connection's id is good for one {@linkcode Snapshot.instance}; with
 * `?instance=` after the id, any other answers 404.
 *
 * Everything but the page's files, the health checks, the login and the logout
 * needs a session, or a token as `Authorization: Bearer`, once there is a token.
 *
 * @module
 */
export { dashboard } from "./dashboard.ts";
export type { Dashboard, HonoApp } from "./dashboard_app.ts";
export { serveDashboard } from "./serve.ts";
export {
  DashboardServer,
  type ServeDashboardOptions,
} from "./dashboard_server.ts";
export type { DashboardLimits, DashboardOptions } from "./options.ts";
export type {
  Batch,
  ConnectionDetail,
  ConnectionRow,
  Figures,
  RequestRow,
  Role,
  Sample,
  Snapshot,
} from "./contract.ts";

// What these are made of, from the main module.
export {
  type ConnectionInfo,
  type ConnectionState,
  type ListenerInfo,
  type ListenOptions,
  Monitor,
  type Watched,
} from "../server/monitor.ts";
export type {
  FailureSignal,
  LimitSignal,
  NewSignal,
  NoticeSignal,
  OfflineReason,
  OfflineSignal,
  OnlineSignal,
  RequestSignal,
  Signal,
  SignalBase,
  SignalKind,
  SignalOf,
  TimeoutSignal,
} from "../server/signals.ts";
export type { SubscribeOptions, Subscription } from "../protocol/broadcast.ts";
export type { Clock, Timer } from "../protocol/clock.ts";
