// The console in a real browser. One file a subject in `rooms/`; they run in this order, on one server, each in a window of its own.
import './rooms/login.mjs';
import './rooms/customers.mjs';
import './rooms/card.mjs';
import './rooms/private.mjs';
import './rooms/dispatch.mjs';
import './rooms/live.mjs';
import './rooms/review.mjs';
import './rooms/quarantine.mjs';
import './rooms/photos.mjs';
import './rooms/urgent.mjs';
import './rooms/transfer.mjs';
import './rooms/absence.mjs';
import './rooms/everywhere.mjs';
