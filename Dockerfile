# Built with all tools, run without them: the second stage has what was built, and the packages that lie beside it.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY client/package.json client/
RUN npm ci
COPY . .
RUN npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json package.json
COPY --from=build /app/node_modules/@node-rs node_modules/@node-rs
COPY --from=build /app/node_modules/@zxcvbn-ts node_modules/@zxcvbn-ts
COPY --from=build /app/dist dist
USER node
EXPOSE 4000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: signals go to the service itself. The deprecated call is a dependency's; Node is silent about those in
# node_modules, and takes what is built for ours.
CMD ["node", "--enable-source-maps", "--disable-warning=DEP0169", "dist/bin/main.js"]
