// Records into a file field ([data-sound]) where the browser has a microphone. Without it, or without script, files can
// be chosen as ever. What is recorded becomes a WAV file of 16 kHz in one channel, and goes the way of every other file.
"use strict";
(() => {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder || !window.OfflineAudioContext) return;
  const RATE = 16000, LONGEST = 300;
  let going = null;

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (name === "button") { made.type = "button"; made.className = "small"; }
    if (kind) made.className = kind;
    return made;
  };

  // RIFF: 44 bytes of header, then 16-bit samples, the lower byte first.
  const wav = (samples) => {
    const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
    const word = (place, letters) => [...letters].forEach((letter, index) => view.setUint8(place + index, letter.charCodeAt(0)));
    word(0, "RIFF"); view.setUint32(4, 36 + samples.length * 2, true); word(8, "WAVE");
    word(12, "fmt "); view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
    view.setUint32(24, RATE, true); view.setUint32(28, RATE * 2, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
    word(36, "data"); view.setUint32(40, samples.length * 2, true);
    samples.forEach((sample, index) => view.setInt16(44 + index * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
    return view.buffer;
  };

  // What the browser recorded (Opus, AAC …) as samples for the telephone.
  const samplesOf = async (blob) => {
    const decoded = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
    const length = Math.ceil(Math.min(decoded.duration, LONGEST) * RATE);
    const mixer = new OfflineAudioContext(1, Math.max(length, 1), RATE);
    const source = mixer.createBufferSource();
    source.buffer = decoded;
    source.connect(mixer.destination);
    source.start();
    return (await mixer.startRendering()).getChannelData(0);
  };

  // The policy of these pages lets no <audio> play from memory; Web Audio may.
  const play = (samples, done) => {
    const context = new AudioContext(), buffer = context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.onended = () => { context.close(); done(); };
    source.start();
    return source;
  };

  const equip = (box) => {
    const input = box.querySelector("input[type=file]");
    const record = element("button", "Record"), listen = element("button", "Listen"), said = element("span", "", "muted");
    const row = element("div", "", "cluster recorder");
    const name = box.dataset.sound || "the recording";
    record.append(element("span", `: ${name}`, "visually-hidden"));
    listen.append(element("span", `: ${name}`, "visually-hidden"));
    said.setAttribute("role", "status");
    listen.hidden = true;
    row.append(record, listen, said);
    input.after(row);
    let samples = null, sounding = null;
    const call = (button, text) => { button.firstChild.textContent = text; };
    const quiet = () => { sounding?.stop(); sounding = null; };

    const keep = async (chunks, kind) => {
      try {
        samples = await samplesOf(new Blob(chunks, { type: kind }));
      } catch {
        said.textContent = "This could not be recorded. Try again, or choose a file.";
        return;
      }
      const files = new DataTransfer();
      files.items.add(new File([wav(samples)], "recorded.wav", { type: "audio/wav" }));
      input.files = files.files;
      listen.hidden = false;
      said.textContent = `Recorded: ${Math.round(samples.length / RATE)} seconds.`;
    };

    const start = async () => {
      quiet();
      let stream;
      try {
        stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, noiseSuppression: true } });
      } catch {
        said.textContent = "The browser may not use a microphone here. Allow it, or choose a file.";
        return;
      }
      const recorder = new MediaRecorder(stream), chunks = [], began = Date.now();
      const clock = setInterval(() => {
        const seconds = Math.floor((Date.now() - began) / 1000);
        call(record, `Stop (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")})`);
        if (seconds >= LONGEST) recorder.stop();
      }, 500);
      recorder.ondataavailable = (event) => chunks.push(event.data);
      recorder.onstop = () => {
        clearInterval(clock);
        stream.getTracks().forEach((track) => track.stop());
        going = null;
        call(record, "Record again");
        keep(chunks, recorder.mimeType);
      };
      going?.stop();
      going = recorder;
      recorder.start();
      call(record, "Stop (0:00)");
      said.textContent = "Recording. Speak now.";
      box.recording = recorder;
    };

    record.addEventListener("click", () => {
      if (box.recording?.state === "recording") box.recording.stop(); else start();
    });
    listen.addEventListener("click", () => {
      if (sounding) { quiet(); return; }
      call(listen, "Stop listening");
      sounding = play(samples, () => { sounding = null; call(listen, "Listen"); });
    });
    input.addEventListener("change", () => { quiet(); samples = null; listen.hidden = true; said.textContent = ""; });
  };

  document.querySelectorAll("[data-sound]").forEach(equip);
})();
