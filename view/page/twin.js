// A scene of the simulator, drawn with three.js: shapes once, then places of bodies. Colours are
// taken as they are, without gamma, as MuJoCo's own renderer does.
import * as THREE from 'three';
import {OrbitControls} from 'three/orbit';

THREE.ColorManagement.enabled = false;

// MuJoCo's lights have no unit: a light of 1 makes a white surface white. three.js divides by pi.
const FULL = Math.PI;
const INSET_PX = 192;
const GHOST = {free: 0x3d8bff, held: 0xffa21f, rejected: 0xff3b30};
// bits of a row (core/episode/episode.h)
const FLAG = {engaged: 1, tracked: 2, linear: 4, angular: 8, rejected: 16};

// The layout of SceneMessage (view/scene/scene_message.h).
function readScene(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const begin = 4 + length;
  const floats = ({at, count}) => new Float32Array(buffer, begin + at, count);
  for (const mesh of scene.meshes) {
    for (const list of ['positions', 'normals', 'texture_places']) mesh[list] = floats(mesh[list]);
  }
  for (const picture of scene.pictures) {
    picture.rgb = new Uint8Array(buffer, begin + picture.rgb.at, picture.rgb.count);
  }
  return scene;
}

// Whether there is no graphics processor: then multisampling and pictures in the corner cost much.
function drawnByProcessor() {
  const gl = document.createElement('canvas').getContext('webgl2');
  const about = gl && gl.getExtension('WEBGL_debug_renderer_info');
  return Boolean(about) && /swiftshader|llvmpipe|software/i.test(gl.getParameter(about.UNMASKED_RENDERER_WEBGL));
}

function setPose(object, pose, at = 0) {
  object.position.set(pose[at], pose[at + 1], pose[at + 2]);
  object.quaternion.set(pose[at + 4], pose[at + 5], pose[at + 6], pose[at + 3]);
}

function rgba(picture, first, rows) {
  const pixels = new Uint8Array(4 * picture.width * rows);
  for (let i = 0, o = 0, from = 3 * first * picture.width; o < pixels.length; i += 3, o += 4) {
    pixels[o] = picture.rgb[from + i];
    pixels[o + 1] = picture.rgb[from + i + 1];
    pixels[o + 2] = picture.rgb[from + i + 2];
    pixels[o + 3] = 255;
  }
  return pixels;
}

function makeTexture(picture) {
  let texture;
  if (picture.cube) {
    const side = picture.width, whole = picture.height >= 6 * side;
    // one face stands for all six
    const faces = [0, 1, 2, 3, 4, 5].map(face => new THREE.DataTexture(rgba(picture, whole ? face * side : 0, side), side, side));
    texture = new THREE.CubeTexture(faces);
  } else {
    texture = new THREE.DataTexture(rgba(picture, 0, picture.height), picture.width, picture.height);
    texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  }
  texture.magFilter = THREE.LinearFilter;
  texture.minFilter = THREE.LinearMipmapLinearFilter;
  texture.generateMipmaps = true;
  texture.needsUpdate = true;
  return texture;
}

// A texture around a body is looked up by direction from the middle of the shape.
function wrapInCube(material, texture, size) {
  material.onBeforeCompile = shader => {
    shader.uniforms.around = {value: texture};
    shader.uniforms.halfSize = {value: new THREE.Vector3(...size)};
    shader.vertexShader = 'varying vec3 vAround;\nuniform vec3 halfSize;\n' +
      shader.vertexShader.replace('#include <begin_vertex>', '#include <begin_vertex>\nvAround = position / halfSize;');
    shader.fragmentShader = 'varying vec3 vAround;\nuniform samplerCube around;\n' +
      shader.fragmentShader.replace('#include <map_fragment>', 'diffuseColor.rgb *= textureCube(around, vAround).rgb;');
  };
  material.customProgramCacheKey = () => 'around';
}

function makeGeometry(shape, scene) {
  const [x, y, z] = shape.size;
  switch (shape.kind) {
    case 'plane': {
      const far = 20 * scene.extent;
      return new THREE.PlaneGeometry(2 * (x || far), 2 * (y || far));
    }
    case 'sphere': return new THREE.SphereGeometry(x, 32, 16);
    case 'ellipsoid': return new THREE.SphereGeometry(1, 32, 16).scale(x, y, z);
    case 'capsule': return new THREE.CapsuleGeometry(x, 2 * y, 8, 24).rotateX(Math.PI / 2);
    case 'cylinder': return new THREE.CylinderGeometry(x, x, 2 * y, 32).rotateX(Math.PI / 2);
    case 'box': return new THREE.BoxGeometry(2 * x, 2 * y, 2 * z);
    default: {
      const mesh = scene.meshes[shape.mesh], geometry = new THREE.BufferGeometry();
      geometry.setAttribute('position', new THREE.BufferAttribute(mesh.positions, 3));
      geometry.setAttribute('normal', new THREE.BufferAttribute(mesh.normals, 3));
      if (mesh.texture_places.length) geometry.setAttribute('uv', new THREE.BufferAttribute(mesh.texture_places, 2));
      return geometry;
    }
  }
}

// MuJoCo projects a flat picture along z onto shapes that say nothing of it themselves.
function projectPicture(geometry, shape) {
  const place = geometry.getAttribute('position'), uv = new Float32Array(2 * place.count);
  const scale = [0, 1].map(i => shape.repeat[i] / (shape.uniform ? 1 : shape.size[i] || 1));
  for (let i = 0; i < place.count; ++i) {
    uv[2 * i] = 0.5 * scale[0] * place.getX(i) - 0.5;
    uv[2 * i + 1] = -0.5 * scale[1] * place.getY(i) - 0.5;
  }
  geometry.setAttribute('uv', new THREE.BufferAttribute(uv, 2));
}

// `plain`: without highlights, which cost half of the time where a processor draws.
function makeMaterial(shape, scene, textures, plain) {
  const [r, g, b, a] = shape.rgba, shininess = Math.max(1, 128 * shape.shininess);
  // three.js spreads a highlight so that its energy stays, MuJoCo does not
  const specular = Math.min(1, shape.specular / (0.25 * (0.5 * shininess + 1)));
  const shine = plain ? {} : {specular: new THREE.Color(specular, specular, specular), shininess};
  const material = new (plain ? THREE.MeshLambertMaterial : THREE.MeshPhongMaterial)({
    ...shine, color: new THREE.Color(r, g, b), emissive: new THREE.Color(r, g, b), emissiveIntensity: shape.emission,
    opacity: a, transparent: a < 1, depthWrite: a >= 1,
  });
  const picture = shape.picture >= 0 ? scene.pictures[shape.picture] : null;
  if (picture && picture.cube) {
    const size = shape.kind === 'mesh' || shape.uniform ? [1, 1, 1] : boundsOf(shape);
    wrapInCube(material, textures[shape.picture], size);
  } else if (picture) {
    material.map = textures[shape.picture];
  }
  return material;
}

// A spot falls off as a power of the cosine, as in OpenGL. three.js gives its shader the cosine of
// the inner cone instead, which carries the exponent here.
const MOST_EXPONENT = 128;
THREE.ShaderChunk.lights_pars_begin = THREE.ShaderChunk.lights_pars_begin.replace(
  'return smoothstep( coneCosine, penumbraCosine, angleCosine );',
  `return angleCosine > coneCosine ? pow( max( angleCosine, 0.0 ), penumbraCosine * ${MOST_EXPONENT}.0 ) : 0.0;`);

function makeSpot(color, light) {
  const angle = light.cutoff_deg * Math.PI / 180;
  const inner = Math.acos(Math.min(1, light.exponent / MOST_EXPONENT));
  return new THREE.SpotLight(color, FULL, 0, angle, 1 - inner / angle, 0);
}

function boundsOf(shape) {
  const [x, y, z] = shape.size;
  if (shape.kind === 'sphere') return [x, x, x];
  if (shape.kind === 'capsule') return [x, x, x + y];
  if (shape.kind === 'cylinder') return [x, x, y];
  return [x || 1, y || 1, z || 1];
}

class Twin {
  constructor(canvas) {
    this.canvas = canvas;
    this.slow = drawnByProcessor();
    this.renderer = new THREE.WebGLRenderer({canvas, antialias: !this.slow});
    this.renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
    this.renderer.autoClear = false;
    this.root = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(45, 1, 0.01, 200);
    this.camera.up.set(0, 0, 1);
    this.orbit = new OrbitControls(this.camera, canvas);
    this.orbit.addEventListener('change', () => { this.changed = true; });
    this.inset = new THREE.PerspectiveCamera(45, 1, 0.01, 200);
    this.insets = [];
    this.corner = new THREE.Scene();
    this.flat = new THREE.OrthographicCamera(0, 1, 1, 0, -1, 1);
    this.world = null;
    this.changed = true;
  }

  // `scene` of readScene in the place of the one before; the view stays where it was.
  setScene(scene) {
    const first = !this.world, before = this.world;
    if (!first) this.drop();
    this.scene = scene;
    this.world = new THREE.Group();
    if (before) {
      this.world.position.copy(before.position);
      this.world.quaternion.copy(before.quaternion);
    }
    this.root.add(this.world);
    this.textures = scene.pictures.map(makeTexture);
    this.root.background = scene.sky >= 0 ? this.textures[scene.sky] : new THREE.Color(0.85, 0.88, 0.92);
    // pictures of a sky stand upright about y
    this.root.backgroundRotation.set(Math.PI / 2, 0, 0);
    this.bodies = scene.bodies.map(() => new THREE.Group());
    for (const body of this.bodies) this.world.add(body);
    this.meshes = scene.shapes.map(shape => this.addShape(shape));
    this.addLights(scene);
    this.addGhosts(scene);
    this.addContacts();
    this.changed = true;
    if (first) this.lookFrom(this.firstCamera());
  }

  drop() {
    this.root.remove(this.world);
    this.camera.remove(this.headlight);
    this.world.traverse(object => {
      if (object.geometry) object.geometry.dispose();
      if (object.material) object.material.dispose();
    });
    for (const texture of this.textures) texture.dispose();
  }

  addShape(shape) {
    const geometry = makeGeometry(shape, this.scene);
    const picture = shape.picture >= 0 && this.scene.pictures[shape.picture];
    const says = shape.kind === 'mesh' && geometry.getAttribute('uv');
    if (picture && !picture.cube && !says) projectPicture(geometry, shape);
    const mesh = new THREE.Mesh(geometry, makeMaterial(shape, this.scene, this.textures, this.slow));
    setPose(mesh, shape.pose);
    mesh.updateMatrix();
    this.bodies[shape.body].add(mesh);
    return mesh;
  }

  addLights(scene) {
    const ambient = [0, 1, 2].map(i => scene.headlight.ambient[i] + scene.lights.reduce((sum, light) => sum + light.ambient[i], 0));
    this.world.add(new THREE.AmbientLight(new THREE.Color(...ambient), FULL));
    this.headlight = new THREE.DirectionalLight(new THREE.Color(...scene.headlight.diffuse), FULL);
    this.headlight.position.set(0, 0, 0);
    this.headlight.target.position.set(0, 0, -1);
    this.camera.add(this.headlight, this.headlight.target);
    this.root.add(this.camera);
    for (const light of scene.lights) {
      const color = new THREE.Color(...light.diffuse);
      const lamp = light.directional ? new THREE.DirectionalLight(color, FULL)
        : light.cutoff_deg >= 90 ? new THREE.PointLight(color, FULL, 0, 0)
        : makeSpot(color, light);
      lamp.position.set(...light.place);
      const body = this.bodies[light.body];
      body.add(lamp);
      if (lamp.target) {
        lamp.target.position.set(...light.place.map((p, i) => p + light.direction[i]));
        body.add(lamp.target);
      }
    }
  }

  // Every hand once more, see-through, where it is commanded to.
  addGhosts(scene) {
    const hangs = (body, from) => {
      for (; body > 0; body = scene.parents[body]) if (body === from) return true;
      return false;
    };
    this.ghosts = scene.hands.map(hand => {
      const material = new THREE.MeshLambertMaterial({color: GHOST.free, transparent: true, opacity: 0.35, depthWrite: false});
      const group = new THREE.Group(), parts = [];
      scene.shapes.forEach((shape, i) => {
        if (!hangs(shape.body, hand.body)) return;
        const part = new THREE.Mesh(this.meshes[i].geometry, material);
        group.add(part);
        parts.push([part, i]);
      });
      group.visible = false;
      this.world.add(group);
      const inBody = new THREE.Matrix4().compose(new THREE.Vector3(...hand.pose.slice(0, 3)),
        new THREE.Quaternion(hand.pose[4], hand.pose[5], hand.pose[6], hand.pose[3]), new THREE.Vector3(1, 1, 1));
      return {hand, material, group, parts, inBody};
    });
  }

  addContacts() {
    this.contacts = new THREE.InstancedMesh(new THREE.SphereGeometry(0.004, 8, 6), new THREE.MeshBasicMaterial({color: 0xff2d95}), 128);
    this.contacts.count = 0;
    this.contacts.frustumCulled = false;
    this.world.add(this.contacts);
  }

  // Positions and quaternions of all bodies, 7 numbers each, from place `at` of the list on.
  setPoses(poses, at = 0) {
    this.bodies.forEach((body, i) => {
      setPose(body, poses, at + 7 * i);
      body.updateMatrix();
    });
    this.changed = true;
  }

  // `arms`: pose of the command (7 numbers) and flags; nothing: no ghosts.
  setArms(arms) {
    this.ghosts.forEach((ghost, i) => {
      const arm = arms[i];
      ghost.group.visible = Boolean(arm);
      if (!arm) return;
      // X_WGhost moves the hand's body to where its control frame meets the command
      const now = new THREE.Matrix4().multiplyMatrices(this.bodies[ghost.hand.body].matrix, ghost.inBody);
      const X_WE = new THREE.Matrix4().compose(new THREE.Vector3(...arm.pose.slice(0, 3)),
        new THREE.Quaternion(arm.pose[4], arm.pose[5], arm.pose[6], arm.pose[3]), new THREE.Vector3(1, 1, 1));
      const move = X_WE.multiply(now.invert());
      for (const [part, shape] of ghost.parts) {
        part.matrixAutoUpdate = false;
        part.matrix.multiplyMatrices(this.bodies[this.scene.shapes[shape].body].matrix, this.meshes[shape].matrix).premultiply(move);
      }
      const held = arm.flags & (FLAG.linear | FLAG.angular);
      ghost.material.color.set(arm.flags & FLAG.rejected ? GHOST.rejected : held ? GHOST.held : GHOST.free);
    });
  }

  setContacts(places) {
    const at = new THREE.Matrix4();
    this.contacts.count = Math.min(128, places.length / 3);
    for (let i = 0; i < this.contacts.count; ++i) {
      this.contacts.setMatrixAt(i, at.makeTranslation(places[3 * i], places[3 * i + 1], places[3 * i + 2]));
    }
    this.contacts.instanceMatrix.needsUpdate = true;
  }

  // Whose view comes first: the policy's, where the scene has it.
  firstCamera() { return this.scene.cameras.find(camera => camera.name === 'agentview') || this.scene.cameras[0]; }

  // Puts the view where a camera of the scene is, or as many times as far away, and turns about what
  // it looks at.
  lookFrom(camera, times = 1) {
    const pose = camera ? camera.pose : [1.5, 1.5, 1.5, 1, 0, 0, 0];
    this.world.updateMatrixWorld(true);
    const place = new THREE.Vector3(pose[0], pose[1], pose[2]);
    const ahead = new THREE.Vector3(0, 0, -1).applyQuaternion(new THREE.Quaternion(pose[4], pose[5], pose[6], pose[3]));
    if (camera) {
      place.applyMatrix4(this.bodies[camera.body].matrixWorld);
      ahead.transformDirection(this.bodies[camera.body].matrixWorld);
      this.camera.fov = camera.fovy_deg;
    }
    const middle = new THREE.Vector3(...this.scene.center);
    const distance = Math.max(0.3, middle.sub(place).dot(ahead));
    this.orbit.target.copy(place).addScaledVector(ahead, distance);
    this.camera.position.copy(this.orbit.target).addScaledVector(ahead, -times * distance);
    this.orbit.update();
  }

  // The scene as it lies in the tracking space of an operator who stands at `placement`; the headset
  // is the camera.
  enterXr(placement, seeThrough) {
    this.placement = null;
    this.placeXr(placement);
    this.inXr = true;
    this.sky = this.root.background;
    if (seeThrough) this.root.background = null;
  }

  // The operator stands elsewhere: places are glided to, a turn comes at once, for the stomach's sake.
  placeXr(placement) {
    const turned = !this.placement || this.placement.yaw !== placement.yaw;
    this.placement = placement;
    const yaw = new THREE.Quaternion().setFromAxisAngle(new THREE.Vector3(0, 0, 1), placement.yaw);
    const X_WT = new THREE.Matrix4().compose(new THREE.Vector3(...placement.origin),
      yaw.multiply(new THREE.Quaternion(0.5, -0.5, -0.5, 0.5)), new THREE.Vector3(1, 1, 1));
    this.stand = new THREE.Vector3();
    X_WT.invert().decompose(this.stand, this.world.quaternion, this.world.scale);
    if (turned) this.world.position.copy(this.stand);
  }

  leaveXr() {
    this.world.position.set(0, 0, 0);
    this.world.quaternion.identity();
    this.root.background = this.sky;
    this.inXr = false;
    this.changed = true;
  }

  // Names of the cameras whose pictures stand in the corner.
  showInsets(names) {
    for (const {target, quad} of this.insets) {
      target.dispose();
      this.corner.remove(quad);
    }
    this.insets = names.map(name => {
      const target = new THREE.WebGLRenderTarget(INSET_PX, INSET_PX);
      const quad = new THREE.Mesh(new THREE.PlaneGeometry(1, 1), new THREE.MeshBasicMaterial({map: target.texture, depthTest: false}));
      this.corner.add(quad);
      return {name, target, quad, drawn: -1e9};
    });
    this.placeInsets();
    this.changed = true;
  }

  placeInsets() {
    const size = this.renderer.getSize(new THREE.Vector2()), side = Math.round(Math.min(size.x, size.y) / 4), gap = 8;
    this.flat.right = size.x;
    this.flat.top = size.y;
    this.flat.updateProjectionMatrix();
    this.insets.forEach(({quad}, i) => {
      quad.position.set(size.x - (side + gap) * (i + 0.5), gap + side / 2, 0);
      quad.scale.set(side, side, 1);
    });
  }

  resize(width, height) {
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.placeInsets();
    this.changed = true;
  }

  // Draws where something has changed since the last call; says whether it did.
  draw() {
    if (this.inXr) {
      this.world.position.lerp(this.stand, 0.3);
      this.renderer.clear();
      this.renderer.render(this.root, this.camera);
      return true;
    }
    this.orbit.update();
    if (!this.world || !this.changed) return false;
    this.changed = false;
    this.drawInset();
    this.renderer.clear();
    this.renderer.render(this.root, this.camera);
    if (this.insets.length) this.renderer.render(this.corner, this.flat);
    return true;
  }

  // One picture in the corner at a time, the oldest, and seldom where a processor draws.
  drawInset() {
    const now = performance.now(), pause = this.slow ? 250 : 30;
    const due = this.insets.filter(inset => now - inset.drawn > pause).sort((a, b) => a.drawn - b.drawn)[0];
    const camera = due && this.scene.cameras.find(one => one.name === due.name);
    if (!camera) return;
    due.drawn = now;
    setPose(this.inset, camera.pose);
    this.inset.fov = camera.fovy_deg;
    this.inset.updateProjectionMatrix();
    this.bodies[camera.body].add(this.inset);
    const marks = [this.contacts, ...this.ghosts.map(ghost => ghost.group)].filter(mark => mark.visible);
    for (const mark of marks) mark.visible = false;
    this.renderer.setRenderTarget(due.target);
    this.renderer.clear();
    this.renderer.render(this.root, this.inset);
    this.renderer.setRenderTarget(null);
    for (const mark of marks) mark.visible = true;
    this.bodies[camera.body].remove(this.inset);
  }
}
