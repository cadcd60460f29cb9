// An HTTP server on Node's event loop: node http_server.js ADDRESS PORT
'use strict';
const http = require('http');
const [address, port] = process.argv.slice(2);
http.createServer((request, response) => {
  response.end(request.url === '/big' ? 'x'.repeat(1 << 20) : 'hello from node\n');
}).listen(Number(port), address);
