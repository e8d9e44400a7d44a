// What script adds to pages that work without it: copy buttons and live status.
"use strict";
