// Connects to an ONVIF camera, prints a line "listening", then every event as JSON until COUNT came: node onvif_events.js PORT COUNT
"use strict";
const { Cam } = require("onvif");

function items(list) {
  const simple = list && list.simpleItem ? [].concat(list.simpleItem) : [];
  return Object.fromEntries(simple.map((item) => [item.$.Name, item.$.Value]));
}

function main(port, count) {
  let left = count;
  const cam = new Cam({ hostname: "127.0.0.1", port, username: "secd", password: "camera-password", timeout: 5000 }, (error) => {
    if (error) {
      console.error(error);
      process.exit(1);
    }
    console.log(JSON.stringify({ profiles: cam.profiles.map((profile) => profile.$.token) }));
    cam.on("eventsError", (problem) => console.error(problem));
    cam.on("event", (event) => {
      const message = event.message.message;
      console.log(JSON.stringify({
        topic: event.topic._, operation: message.$.PropertyOperation, source: items(message.source), data: items(message.data),
      }));
      left -= 1;
      if (left === 0) process.exit(0);
    });
  });
}

main(Number(process.argv[2]), Number(process.argv[3]));
