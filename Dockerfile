# Built with all tools, run without them: the last stage has what was built, and the packages that lie beside it.
# The image that is replaced, as in `--build-arg PREVIOUS=tidings:1`: pages that browsers have loaded from it go on working.
ARG PREVIOUS=none

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
COPY web/package.json web/
COPY examples/apollo-react/package.json examples/apollo-react/
COPY examples/node-bot/package.json examples/node-bot/
COPY examples/stock-apollo/package.json examples/stock-apollo/
COPY examples/urql/package.json examples/urql/
RUN npm ci
COPY . .
RUN npm run build && npm run build -w web -- --compressed

FROM node:24-bookworm-slim AS none
RUN mkdir -p /app/web/dist/dashboard /app/web/dist/playground

FROM ${PREVIOUS} AS previous

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json package.json
COPY --from=build /app/node_modules/@node-rs node_modules/@node-rs
COPY --from=build /app/node_modules/@zxcvbn-ts node_modules/@zxcvbn-ts
COPY --from=build /app/dist dist
COPY --from=build /app/web/dist web/dist
COPY --from=previous /app/web/dist/dashboard web/dist/previous/dashboard
COPY --from=previous /app/web/dist/playground web/dist/previous/playground
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: signals go to the service itself. The deprecated call is a dependency's; Node is silent about those in
# node_modules, and takes what is built for ours.
CMD ["node", "--enable-source-maps", "--disable-warning=DEP0169", "dist/bin/main.js"]
