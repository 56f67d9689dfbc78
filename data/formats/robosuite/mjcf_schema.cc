// What MuJoCo's own mj_printSchema lists, one element a line: two blanks per level, its name, its
// attributes; `+` continues the line before. `body` means worldbody too; body, frame and default may
// contain themselves. Made by
//
//     import mujoco; print(mujoco.mj_printSchema(False, False))
//
// with `frame`, which MuJoCo reads from 3.0 on and does not list.
#include "data/formats/robosuite/mjcf_schema.h"

namespace understudy::mjcf {
namespace {

constexpr const char* k2_3_7 = R"(
mujoco model
  compiler angle assetdir autolimits balanceinertia boundinertia boundmass convexhull coordinate
+ discardvisual eulerseq exactmeshinertia fitaabb fusestatic inertiafromgeom inertiagrouprange
+ meshdir settotalmass strippath texturedir usethread
    lengthrange accel interval inttotal maxforce mode timeconst timestep tolrange useexisting
+ uselimit
  option apirate collision cone density gravity impratio integrator iterations jacobian magnetic
+ mpr_iterations mpr_tolerance noslip_iterations noslip_tolerance o_margin o_solimp o_solref
+ solver timestep tolerance viscosity wind
    flag actuation clampctrl constraint contact energy equality filterparent frictionloss fwdinv
+ gravity limit multiccd override passive refsafe sensor sensornoise warmstart
  size memory nconmax njmax nkey nstack nuser_actuator nuser_body nuser_cam nuser_geom nuser_jnt
+ nuser_sensor nuser_site nuser_tendon nuserdata
  visual
    global azimuth elevation ellipsoidinertia fovy glow ipd linewidth offheight offwidth realtime
    quality numquads numslices numstacks offsamples shadowsize
    headlight active ambient diffuse specular
    map actuatortendon alpha fogend fogstart force haze shadowclip shadowscale stiffness
+ stiffnessrot torque zfar znear
    scale actuatorlength actuatorwidth camera com connect constraint contactheight contactwidth
+ forcewidth framelength framewidth jointlength jointwidth light selectpoint slidercrank
    rgba actuator actuatornegative actuatorpositive camera com connect constraint contactforce
+ contactfriction contactgap contactpoint contacttorque crankbroken fog force haze inertia joint
+ light rangefinder selectpoint slidercrank
  statistic center extent meaninertia meanmass meansize
  default class
    mesh scale
    material emission reflectance rgba shininess specular texrepeat texture texuniform
    joint actuatorforcelimited actuatorforcerange armature axis damping frictionloss group limited
+ margin pos range ref solimpfriction solimplimit solreffriction solreflimit springdamper
+ springref stiffness type user
    geom axisangle conaffinity condim contype density euler fitscale fluidcoef fluidshape friction
+ fromto gap group hfield margin mass material mesh pos priority quat rgba shellinertia size
+ solimp solmix solref type user xyaxes zaxis
    site axisangle euler fromto group material pos quat rgba size type user xyaxes zaxis
    camera axisangle euler fovy ipd mode pos quat user xyaxes zaxis
    light active ambient attenuation castshadow cutoff diffuse dir directional exponent mode pos
+ specular
    pair condim friction gap margin solimp solref solreffriction
    equality active solimp solref
    tendon damping frictionloss group limited margin material range rgba solimpfriction
+ solimplimit solreffriction solreflimit springlength stiffness user width
    general actdim actlimited actrange biasprm biastype cranklength ctrllimited ctrlrange dynprm
+ dyntype forcelimited forcerange gainprm gaintype gear group user
    motor cranklength ctrllimited ctrlrange forcelimited forcerange gear group user
    position cranklength ctrllimited ctrlrange forcelimited forcerange gear group kp user
    velocity cranklength ctrllimited ctrlrange forcelimited forcerange gear group kv user
    intvelocity actrange cranklength ctrllimited ctrlrange forcelimited forcerange gear group kp
+ user
    damper cranklength ctrlrange forcelimited forcerange gear group kv user
    cylinder area bias cranklength ctrllimited ctrlrange diameter forcelimited forcerange gear
+ group timeconst user
    muscle cranklength ctrllimited ctrlrange force forcelimited forcerange fpmax fvmax gear group
+ lmax lmin range scale timeconst user vmax
    adhesion ctrlrange forcelimited forcerange gain group user
  extension
    plugin plugin
      instance name
        config key value
  custom
    numeric data name size
    text data name
    tuple name
      element objname objtype prm
  asset
    texture builtin content_type file fileback filedown filefront fileleft fileright fileup
+ gridlayout gridsize height hflip mark markrgb name random rgb1 rgb2 type vflip width
    hfield content_type file name ncol nrow size
    mesh class content_type face file name normal refpos refquat scale smoothnormal texcoord
+ vertex
    skin face file group inflate material name rgba texcoord vertex
      bone bindpos bindquat body vertid vertweight
    material class emission name reflectance rgba shininess specular texrepeat texture texuniform
  body axisangle childclass euler gravcomp mocap name pos quat user xyaxes zaxis
    plugin instance plugin
      config key value
    inertial axisangle diaginertia euler fullinertia mass pos quat xyaxes zaxis
    joint actuatorforcelimited actuatorforcerange armature axis class damping frictionloss group
+ limited margin name pos range ref solimpfriction solimplimit solreffriction solreflimit
+ springdamper springref stiffness type user
    freejoint group name
    geom axisangle class conaffinity condim contype density euler fitscale fluidcoef fluidshape
+ friction fromto gap group hfield margin mass material mesh name pos priority quat rgba
+ shellinertia size solimp solmix solref type user xyaxes zaxis
    site axisangle class euler fromto group material name pos quat rgba size type user xyaxes
+ zaxis
    camera axisangle class euler fovy ipd mode name pos quat target user xyaxes zaxis
    light active ambient attenuation castshadow class cutoff diffuse dir directional exponent mode
+ name pos specular target
    composite count curve flatinertia initial offset prefix size solimpsmooth solrefsmooth spacing
+ type vertex
      plugin instance plugin
        config key value
      joint armature axis damping frictionloss group kind limited margin range solimpfix
+ solimpfriction solimplimit solreffix solreffriction solreflimit stiffness type
      tendon damping frictionloss group kind limited margin material range rgba solimpfix
+ solimpfriction solimplimit solreffix solreffriction solreflimit stiffness width
      skin group inflate material rgba subgrid texcoord
      geom conaffinity condim contype density friction gap group margin mass material priority
+ rgba size solimp solmix solref type
      site group material rgba size
      pin coord
  contact
    pair class condim friction gap geom1 geom2 margin name solimp solref solreffriction
    exclude body1 body2 name
  equality
    connect active anchor body1 body2 class name solimp solref
    weld active anchor body1 body2 class name relpose solimp solref torquescale
    joint active class joint1 joint2 name polycoef solimp solref
    tendon active class name polycoef solimp solref tendon1 tendon2
  tendon
    spatial class damping frictionloss group limited margin material name range rgba
+ solimpfriction solimplimit solreffriction solreflimit springlength stiffness user width
      site site
      geom geom sidesite
      pulley divisor
    fixed class damping frictionloss group limited margin name range solimpfriction solimplimit
+ solreffriction solreflimit springlength stiffness user
      joint coef joint
  actuator
    general actdim actlimited actrange biasprm biastype body class cranklength cranksite
+ ctrllimited ctrlrange dynprm dyntype forcelimited forcerange gainprm gaintype gear group joint
+ jointinparent lengthrange name refsite site slidersite tendon user
    motor class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ joint jointinparent lengthrange name refsite site slidersite tendon user
    position class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ joint jointinparent kp lengthrange name refsite site slidersite tendon user
    velocity class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ joint jointinparent kv lengthrange name refsite site slidersite tendon user
    intvelocity actrange class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange
+ gear group joint jointinparent kp lengthrange name refsite site slidersite tendon user
    damper class cranklength cranksite ctrlrange forcelimited forcerange gear group joint
+ jointinparent kv lengthrange name refsite site slidersite tendon user
    cylinder area bias class cranklength cranksite ctrllimited ctrlrange diameter forcelimited
+ forcerange gear group joint jointinparent lengthrange name refsite site slidersite tendon
+ timeconst user
    muscle class cranklength cranksite ctrllimited ctrlrange force forcelimited forcerange fpmax
+ fvmax gear group joint jointinparent lengthrange lmax lmin name range scale slidersite tausmooth
+ tendon timeconst user vmax
    adhesion body class ctrlrange forcelimited forcerange gain group name user
    plugin class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ instance joint jointinparent lengthrange name plugin site slidersite tendon user
      config key value
  sensor
    touch cutoff name noise site user
    accelerometer cutoff name noise site user
    velocimeter cutoff name noise site user
    gyro cutoff name noise site user
    force cutoff name noise site user
    torque cutoff name noise site user
    magnetometer cutoff name noise site user
    rangefinder cutoff name noise site user
    jointpos cutoff joint name noise user
    jointvel cutoff joint name noise user
    tendonpos cutoff name noise tendon user
    tendonvel cutoff name noise tendon user
    actuatorpos actuator cutoff name noise user
    actuatorvel actuator cutoff name noise user
    actuatorfrc actuator cutoff name noise user
    jointactuatorfrc cutoff joint name noise user
    ballquat cutoff joint name noise user
    ballangvel cutoff joint name noise user
    jointlimitpos cutoff joint name noise user
    jointlimitvel cutoff joint name noise user
    jointlimitfrc cutoff joint name noise user
    tendonlimitpos cutoff name noise tendon user
    tendonlimitvel cutoff name noise tendon user
    tendonlimitfrc cutoff name noise tendon user
    framepos cutoff name noise objname objtype refname reftype user
    framequat cutoff name noise objname objtype refname reftype user
    framexaxis cutoff name noise objname objtype refname reftype user
    frameyaxis cutoff name noise objname objtype refname reftype user
    framezaxis cutoff name noise objname objtype refname reftype user
    framelinvel cutoff name noise objname objtype refname reftype user
    frameangvel cutoff name noise objname objtype refname reftype user
    framelinacc cutoff name noise objname objtype user
    frameangacc cutoff name noise objname objtype user
    subtreecom body cutoff name noise user
    subtreelinvel body cutoff name noise user
    subtreeangmom body cutoff name noise user
    clock cutoff name noise user
    user cutoff datatype dim name needstage noise objname objtype user
    plugin cutoff instance name objname objtype plugin refname reftype user
      config key value
  keyframe
    key act ctrl mpos mquat name qpos qvel time
)";

constexpr const char* k3_2_3 = R"(
mujoco model
  compiler alignfree angle assetdir autolimits balanceinertia boundinertia boundmass convexhull
+ coordinate discardvisual eulerseq exactmeshinertia fitaabb fusestatic inertiafromgeom
+ inertiagrouprange meshdir settotalmass strippath texturedir usethread
    lengthrange accel interval inttotal maxforce mode timeconst timestep tolrange useexisting
+ uselimit
  option actuatorgroupdisable apirate ccd_iterations ccd_tolerance cone density gravity impratio
+ integrator iterations jacobian ls_iterations ls_tolerance magnetic noslip_iterations
+ noslip_tolerance o_friction o_margin o_solimp o_solref sdf_initpoints sdf_iterations solver
+ timestep tolerance viscosity wind
    flag actuation autoreset clampctrl constraint contact energy equality eulerdamp filterparent
+ frictionloss fwdinv gravity invdiscrete island limit midphase multiccd nativeccd override
+ passive refsafe sensor warmstart
  size memory nconmax njmax nkey nstack nuser_actuator nuser_body nuser_cam nuser_geom nuser_jnt
+ nuser_sensor nuser_site nuser_tendon nuserdata
  visual
    global azimuth bvactive elevation ellipsoidinertia fovy glow ipd linewidth offheight offwidth
+ orthographic realtime
    quality numquads numslices numstacks offsamples shadowsize
    headlight active ambient diffuse specular
    map actuatortendon alpha fogend fogstart force haze shadowclip shadowscale stiffness
+ stiffnessrot torque zfar znear
    scale actuatorlength actuatorwidth camera com connect constraint contactheight contactwidth
+ forcewidth framelength framewidth frustum jointlength jointwidth light selectpoint slidercrank
    rgba actuator actuatornegative actuatorpositive bv bvactive camera com connect constraint
+ contactforce contactfriction contactgap contactpoint contacttorque crankbroken fog force frustum
+ haze inertia joint light rangefinder selectpoint slidercrank
  statistic center extent meaninertia meanmass meansize
  default class
    mesh maxhullvert scale
    material emission metallic reflectance rgba roughness shininess specular texrepeat texture
+ texuniform
    joint actuatorfrclimited actuatorfrcrange actuatorgravcomp armature axis damping frictionloss
+ group limited margin pos range ref solimpfriction solimplimit solreffriction solreflimit
+ springdamper springref stiffness type user
    geom axisangle conaffinity condim contype density euler fitscale fluidcoef fluidshape friction
+ fromto gap group hfield margin mass material mesh pos priority quat rgba shellinertia size
+ solimp solmix solref type user xyaxes zaxis
    site axisangle euler fromto group material pos quat rgba size type user xyaxes zaxis
    camera axisangle euler focal focalpixel fovy ipd mode orthographic pos principal
+ principalpixel quat resolution sensorsize user xyaxes zaxis
    light active ambient attenuation bulbradius castshadow cutoff diffuse dir directional exponent
+ mode pos specular
    pair condim friction gap margin solimp solref solreffriction
    equality active solimp solref
    tendon damping frictionloss group limited margin material range rgba solimpfriction
+ solimplimit solreffriction solreflimit springlength stiffness user width
    general actdim actearly actlimited actrange biasprm biastype cranklength ctrllimited ctrlrange
+ dynprm dyntype forcelimited forcerange gainprm gaintype gear group user
    motor cranklength ctrllimited ctrlrange forcelimited forcerange gear group user
    position cranklength ctrllimited ctrlrange dampratio forcelimited forcerange gear group
+ inheritrange kp kv timeconst user
    velocity cranklength ctrllimited ctrlrange forcelimited forcerange gear group kv user
    intvelocity actrange cranklength ctrllimited ctrlrange dampratio forcelimited forcerange gear
+ group inheritrange kp kv user
    damper cranklength ctrlrange forcelimited forcerange gear group kv user
    cylinder area bias cranklength ctrllimited ctrlrange diameter forcelimited forcerange gear
+ group timeconst user
    muscle cranklength ctrllimited ctrlrange force forcelimited forcerange fpmax fvmax gear group
+ lmax lmin range scale timeconst user vmax
    adhesion ctrlrange forcelimited forcerange gain group user
  extension
    plugin plugin
      instance name
        config key value
  custom
    numeric data name size
    text data name
    tuple name
      element objname objtype prm
  asset
    mesh class content_type face file maxhullvert name normal refpos refquat scale smoothnormal
+ texcoord vertex
      plugin instance plugin
        config key value
    hfield content_type elevation file name ncol nrow size
    skin face file group inflate material name rgba texcoord vertex
      bone bindpos bindquat body vertid vertweight
    texture builtin content_type file fileback filedown filefront fileleft fileright fileup
+ gridlayout gridsize height hflip mark markrgb name nchannel random rgb1 rgb2 type vflip width
    material class emission metallic name reflectance rgba roughness shininess specular texrepeat
+ texture texuniform
      rgb texture
      occlusion texture
      roughness texture
      metallic texture
      normal texture
      opacity texture
      emissive texture
      rgba texture
      orm texture
    model content_type file name
  body axisangle childclass euler gravcomp mocap name pos quat user xyaxes zaxis
    frame axisangle childclass euler name pos quat xyaxes zaxis
    inertial axisangle diaginertia euler fullinertia mass pos quat xyaxes zaxis
    joint actuatorfrclimited actuatorfrcrange actuatorgravcomp armature axis class damping
+ frictionloss group limited margin name pos range ref solimpfriction solimplimit solreffriction
+ solreflimit springdamper springref stiffness type user
    freejoint align group name
    geom axisangle class conaffinity condim contype density euler fitscale fluidcoef fluidshape
+ friction fromto gap group hfield margin mass material mesh name pos priority quat rgba
+ shellinertia size solimp solmix solref type user xyaxes zaxis
      plugin instance plugin
        config key value
    attach body model prefix
    site axisangle class euler fromto group material name pos quat rgba size type user xyaxes
+ zaxis
    camera axisangle class euler focal focalpixel fovy ipd mode name orthographic pos principal
+ principalpixel quat resolution sensorsize target user xyaxes zaxis
    light active ambient attenuation bulbradius castshadow class cutoff diffuse dir directional
+ exponent mode name pos specular target
    plugin instance plugin
      config key value
    composite count curve flatinertia initial offset prefix size solimpsmooth solrefsmooth spacing
+ type vertex
      joint armature axis damping frictionloss group kind limited margin range solimpfix
+ solimpfriction solimplimit solreffix solreffriction solreflimit stiffness type
      tendon damping frictionloss group kind limited margin material range rgba solimpfix
+ solimpfriction solimplimit solreffix solreffriction solreflimit stiffness width
      skin group inflate material rgba subgrid texcoord
      geom conaffinity condim contype density friction gap group margin mass material priority
+ rgba size solimp solmix solref type
      site group material rgba size
      pin coord
      plugin instance plugin
        config key value
    flexcomp axisangle count dim element euler file flatskin group inertiabox mass material name
+ point pos quat radius rgba rigid scale spacing texcoord type xyaxes zaxis
      edge damping equality solimp solref stiffness
      elasticity damping poisson thickness young
      contact activelayers conaffinity condim contype friction gap internal margin priority
+ selfcollide solimp solmix solref
      pin grid gridrange id range
      plugin instance plugin
        config key value
  deformable
    flex body dim element flatskin group material name radius rgba texcoord vertex
      contact activelayers conaffinity condim contype friction gap internal margin priority
+ selfcollide solimp solmix solref
      edge damping stiffness
      elasticity damping poisson thickness young
    skin face file group inflate material name rgba texcoord vertex
      bone bindpos bindquat body vertid vertweight
  contact
    pair class condim friction gap geom1 geom2 margin name solimp solref solreffriction
    exclude body1 body2 name
  equality
    connect active anchor body1 body2 class name site1 site2 solimp solref
    weld active anchor body1 body2 class name relpose site1 site2 solimp solref torquescale
    joint active class joint1 joint2 name polycoef solimp solref
    tendon active class name polycoef solimp solref tendon1 tendon2
    flex active class flex name solimp solref
  tendon
    spatial class damping frictionloss group limited margin material name range rgba
+ solimpfriction solimplimit solreffriction solreflimit springlength stiffness user width
      site site
      geom geom sidesite
      pulley divisor
    fixed class damping frictionloss group limited margin name range solimpfriction solimplimit
+ solreffriction solreflimit springlength stiffness user
      joint coef joint
  actuator
    general actdim actearly actlimited actrange biasprm biastype body class cranklength cranksite
+ ctrllimited ctrlrange dynprm dyntype forcelimited forcerange gainprm gaintype gear group joint
+ jointinparent lengthrange name refsite site slidersite tendon user
    motor class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ joint jointinparent lengthrange name refsite site slidersite tendon user
    position class cranklength cranksite ctrllimited ctrlrange dampratio forcelimited forcerange
+ gear group inheritrange joint jointinparent kp kv lengthrange name refsite site slidersite
+ tendon timeconst user
    velocity class cranklength cranksite ctrllimited ctrlrange forcelimited forcerange gear group
+ joint jointinparent kv lengthrange name refsite site slidersite tendon user
    intvelocity actrange class cranklength cranksite ctrllimited ctrlrange dampratio forcelimited
+ forcerange gear group inheritrange joint jointinparent kp kv lengthrange name refsite site
+ slidersite tendon user
    damper class cranklength cranksite ctrlrange forcelimited forcerange gear group joint
+ jointinparent kv lengthrange name refsite site slidersite tendon user
    cylinder area bias class cranklength cranksite ctrllimited ctrlrange diameter forcelimited
+ forcerange gear group joint jointinparent lengthrange name refsite site slidersite tendon
+ timeconst user
    muscle class cranklength cranksite ctrllimited ctrlrange force forcelimited forcerange fpmax
+ fvmax gear group joint jointinparent lengthrange lmax lmin name range scale slidersite tausmooth
+ tendon timeconst user vmax
    adhesion body class ctrlrange forcelimited forcerange gain group name user
    plugin actdim actearly actlimited actrange class cranklength cranksite ctrllimited ctrlrange
+ dynprm dyntype forcelimited forcerange gear group instance joint jointinparent lengthrange name
+ plugin site slidersite tendon user
      config key value
  sensor
    touch cutoff name noise site user
    accelerometer cutoff name noise site user
    velocimeter cutoff name noise site user
    gyro cutoff name noise site user
    force cutoff name noise site user
    torque cutoff name noise site user
    magnetometer cutoff name noise site user
    camprojection camera cutoff name noise site user
    rangefinder cutoff name noise site user
    jointpos cutoff joint name noise user
    jointvel cutoff joint name noise user
    tendonpos cutoff name noise tendon user
    tendonvel cutoff name noise tendon user
    actuatorpos actuator cutoff name noise user
    actuatorvel actuator cutoff name noise user
    actuatorfrc actuator cutoff name noise user
    jointactuatorfrc cutoff joint name noise user
    ballquat cutoff joint name noise user
    ballangvel cutoff joint name noise user
    jointlimitpos cutoff joint name noise user
    jointlimitvel cutoff joint name noise user
    jointlimitfrc cutoff joint name noise user
    tendonlimitpos cutoff name noise tendon user
    tendonlimitvel cutoff name noise tendon user
    tendonlimitfrc cutoff name noise tendon user
    framepos cutoff name noise objname objtype refname reftype user
    framequat cutoff name noise objname objtype refname reftype user
    framexaxis cutoff name noise objname objtype refname reftype user
    frameyaxis cutoff name noise objname objtype refname reftype user
    framezaxis cutoff name noise objname objtype refname reftype user
    framelinvel cutoff name noise objname objtype refname reftype user
    frameangvel cutoff name noise objname objtype refname reftype user
    framelinacc cutoff name noise objname objtype user
    frameangacc cutoff name noise objname objtype user
    subtreecom body cutoff name noise user
    subtreelinvel body cutoff name noise user
    subtreeangmom body cutoff name noise user
    distance body1 body2 cutoff geom1 geom2 name noise user
    normal body1 body2 cutoff geom1 geom2 name noise user
    fromto body1 body2 cutoff geom1 geom2 name noise user
    clock cutoff name noise user
    user cutoff datatype dim name needstage noise objname objtype user
    plugin cutoff instance name objname objtype plugin refname reftype user
      config key value
  keyframe
    key act ctrl mpos mquat name qpos qvel time
)";

constexpr const char* k4_0_1 = R"(
mujoco model
  compiler alignfree angle assetdir autolimits balanceinertia boundinertia boundmass conflict
+ coordinate discardvisual eulerseq fitaabb fusestatic inertiafromgeom inertiagrouprange meshdir
+ passthrough savecanonical savecompiled saveinertial settotalmass strippath texturedir usethread
    lengthrange accel interval inttotal maxforce mode timeconst timestep tolrange useexisting
+ uselimit
  option actuatorgroupdisable ccd_iterations ccd_tolerance cone density gravity impratio
+ integrator iterations jacobian ls_iterations ls_tolerance magnetic noslip_iterations
+ noslip_tolerance o_friction o_margin o_solimp o_solref sdf_initpoints sdf_iterations
+ sleep_tolerance solver timestep tolerance viscosity wind
    flag actuation autoreset clampctrl constraint contact damper diagexact energy equality
+ eulerdamp filterparent frictionloss fwdinv gravity invdiscrete ipc island limit midphase
+ multiccd nativeccd override refsafe sensor sleep speculative spring warmstart
  size memory nconmax njmax nkey nstack nuser_actuator nuser_body nuser_cam nuser_geom nuser_jnt
+ nuser_sensor nuser_site nuser_tendon nuserdata
  statistic center extent meaninertia meanmass meansize
  visual
    global azimuth bvactive cameraid elevation ellipsoidinertia fovy glow ipd linewidth offheight
+ offwidth orthographic realtime
    quality numquads numslices numstacks offsamples shadowsize
    headlight active ambient diffuse specular
    map actuatortendon alpha fogend fogstart force haze shadowclip shadowscale stiffness
+ stiffnessrot torque zfar znear
    scale actuatorlength actuatorwidth camera com connect constraint contactheight contactwidth
+ forcewidth framelength framewidth frustum jointlength jointwidth light selectpoint slidercrank
    rgba actuator actuatornegative actuatorpositive bv bvactive camera com connect constraint
+ contactforce contactfriction contactgap contactpoint contacttorque crankbroken fog force frustum
+ haze inertia joint light rangefinder selectpoint slidercrank
  default class
    mesh inertia maxhullvert scale
    texture builtin colorspace embed gridlayout gridsize height hflip mark markrgb nchannel random
+ rgb1 rgb2 type vflip width
    material emission metallic reflectance rgba roughness shininess specular texrepeat texture
+ texuniform
      layer role texture
    joint actuatorfrclimited actuatorfrcrange actuatorgravcomp armature axis damping frictionloss
+ group limited margin pos range ref solimpfriction solimplimit solreffriction solreflimit
+ springdamper springref springyield stiffness type user
    geom adhesion axisangle castshadow conaffinity condim contype density euler fitscale fluidcoef
+ fluidshape friction fromto gap group hfield margin mass material mesh pos priority quat rgba
+ shellinertia size solimp solmix solref surfacevel type user xyaxes zaxis
    site axisangle euler fromto group material mesh pos quat rgba size type user xyaxes zaxis
    camera axisangle euler focal focalpixel fovy ipd mode output pos principal principalpixel
+ projection quat resolution sensorsize user xyaxes zaxis
    light active ambient attenuation bulbradius castshadow cutoff diffuse dir directional exponent
+ intensity mode pos range softness specular type
    pair adhesion condim friction gap margin solimp solref solreffriction
    equality active solimp solref
    tendon actuatorfrclimited actuatorfrcrange armature damping frictionloss group limited margin
+ material range rgba solimpfriction solimplimit solreffriction solreflimit springlength
+ springyield stiffness user width
    general actdim actearly actlimited actrange armature biasprm biastype cranklength ctrllimited
+ ctrlrange damping delay dynprm dyntype ffrange forcelimited forcerange gainprm gaintype gear
+ group inheritrange input interp nsample user velrange
    motor armature cranklength ctrllimited ctrlrange damping delay forcelimited forcerange gear
+ group interp nsample user
    position armature cranklength ctrllimited ctrlrange damping dampratio delay forcelimited
+ forcerange gear group inheritrange interp kp kv nsample timeconst user
    velocity armature cranklength ctrllimited ctrlrange damping delay forcelimited forcerange gear
+ group interp kv nsample user
    intvelocity actlimited actrange armature cranklength ctrllimited ctrlrange damping dampratio
+ delay forcelimited forcerange gear group inheritrange interp kp kv nsample user
    orientation ctrlrange dampratio delay forcelimited forcerange group input interp kp kv nsample
+ user
    pid armature cranklength ctrllimited ctrlrange damping dampratio delay ffrange forcelimited
+ forcerange gear group imax inheritrange input interp ki kp kv nsample posrange slewmax user
+ velrange
    damper armature cranklength ctrlrange damping delay forcelimited forcerange gear group interp
+ kv nsample user
    cylinder area armature bias cranklength ctrllimited ctrlrange damping delay diameter
+ forcelimited forcerange gear group interp nsample timeconst user
    muscle armature cranklength ctrllimited ctrlrange damping delay force forcelimited forcerange
+ fpmax fvmax gear group interp lmax lmin nsample range scale timeconst user vmax
    adhesion ctrlrange delay forcelimited forcerange gain group interp nsample user
    dcmotor armature cogging controller cranklength ctrllimited ctrlrange damping delay gear group
+ inductance input interp lugre motorconst nominal nsample resistance saturation thermal user
  extension
    plugin plugin
      instance name
        config key value
  asset
    mesh builtin class content_type face file inertia material maxhullvert name normal params
+ refpos refquat scale smoothnormal texcoord vertex
      plugin instance plugin
        config key value
    hfield content_type elevation file name ncol nrow size
    skin face file group inflate material name rgba texcoord vertex
      bone bindpos bindquat body vertid vertweight
    texture builtin class colorspace content_type embed file fileback filedown filefront fileleft
+ fileright fileup gridlayout gridsize height hflip mark markrgb name nchannel random rgb1 rgb2
+ type vflip width
    material class emission metallic name reflectance rgba roughness shininess specular texrepeat
+ texture texuniform
      layer role texture
    model content_type file name
  body axisangle childclass euler fuse gravcomp mocap name pos quat simple sleep user xyaxes zaxis
    frame axisangle childclass euler name pos quat xyaxes zaxis
    inertial axisangle diaginertia euler fullinertia mass pos quat xyaxes zaxis
    joint actuatorfrclimited actuatorfrcrange actuatorgravcomp armature axis class damping
+ frictionloss group limited margin name pos range ref solimpfriction solimplimit solreffriction
+ solreflimit springdamper springref springyield stiffness type user
    freejoint align group name
    geom adhesion axisangle castshadow class conaffinity condim contype density euler fitscale
+ fluidcoef fluidshape friction fromto gap group hfield margin mass material mesh name pos
+ priority quat rgba shellinertia size solimp solmix solref surfacevel type user xyaxes zaxis
      plugin instance plugin
        config key value
    attach body frame model prefix
    site axisangle class euler fromto group material mesh name pos quat rgba size type user xyaxes
+ zaxis
    camera axisangle class euler focal focalpixel fovy ipd mode name output pos principal
+ principalpixel projection quat resolution sensorsize target user xyaxes zaxis
    light active ambient attenuation bulbradius castshadow class cutoff diffuse dir directional
+ exponent intensity mode name pos range softness specular target texture type
    plugin instance plugin
      config key value
    flexcomp axisangle cellcount count dim dof element euler file flatskin group inertiabox mass
+ material mesh name origin point pos quat radius rgba rigid scale spacing texcoord type xyaxes
+ zaxis
      edge damping equality solimp solref stiffness
      elasticity damping elastic2d poisson section sectionsize shear thickness yield young
      contact activelayers conaffinity condim contype friction gap margin passive priority
+ selfcollide solimp solmix solref
      pin grid gridrange id range
      plugin instance plugin
        config key value
  deformable
    flex body cellcount dim dof element elemtexcoord flatskin group material name node nodecoord
+ radius rgba texcoord vertex
      contact activelayers conaffinity condim contype friction gap margin passive priority
+ selfcollide solimp solmix solref
      edge damping stiffness
      elasticity damping elastic2d poisson section sectionsize shear thickness yield young
    skin face file group inflate material name rgba texcoord vertex
      bone bindpos bindquat body vertid vertweight
  contact
    pair adhesion class condim friction gap geom1 geom2 margin name solimp solref solreffriction
    exclude body1 body2 name
  tendon
    spatial actuatorfrclimited actuatorfrcrange armature class damping frictionloss group limited
+ margin material name range rgba solimpfriction solimplimit solreffriction solreflimit
+ springlength springyield stiffness user width
      site site
      geom geom sidesite
      pulley divisor
    fixed actuatorfrclimited actuatorfrcrange armature class damping frictionloss group limited
+ margin name range solimpfriction solimplimit solreffriction solreflimit springlength springyield
+ stiffness user
      joint coef joint
  equality
    connect active anchor body1 body2 class name site1 site2 solimp solref
    weld active anchor body1 body2 class name relpose site1 site2 solimp solref torquescale
    joint active class joint1 joint2 name polycoef solimp solref
    tendon active class name polycoef solimp solref tendon1 tendon2
    flex active class flex name solimp solref
    flexstrain active cell class flex name solimp solref
  actuator
    general actdim actearly actlimited actrange armature biasprm biastype body class cranklength
+ cranksite ctrllimited ctrlrange damping delay dynprm dyntype ffrange forcelimited forcerange
+ gainprm gaintype gear group inheritrange input interp joint jointinparent lengthrange name
+ nsample refsite site slidersite tendon user velrange
    motor armature class cranklength cranksite ctrllimited ctrlrange damping delay forcelimited
+ forcerange gear group interp joint jointinparent lengthrange name nsample refsite site
+ slidersite tendon user
    position armature class cranklength cranksite ctrllimited ctrlrange damping dampratio delay
+ forcelimited forcerange gear group inheritrange interp joint jointinparent kp kv lengthrange
+ name nsample refsite site slidersite tendon timeconst user
    velocity armature class cranklength cranksite ctrllimited ctrlrange damping delay forcelimited
+ forcerange gear group interp joint jointinparent kv lengthrange name nsample refsite site
+ slidersite tendon user
    intvelocity actlimited actrange armature class cranklength cranksite ctrllimited ctrlrange
+ damping dampratio delay forcelimited forcerange gear group inheritrange interp joint
+ jointinparent kp kv lengthrange name nsample refsite site slidersite tendon user
    orientation class ctrlrange dampratio delay forcelimited forcerange group input interp joint
+ kp kv name nsample refsite site user
    pid armature class cranklength cranksite ctrllimited ctrlrange damping dampratio delay ffrange
+ forcelimited forcerange gear group imax inheritrange input interp joint jointinparent ki kp kv
+ lengthrange name nsample posrange refsite site slewmax slidersite tendon user velrange
    damper armature class cranklength cranksite ctrlrange damping delay forcelimited forcerange
+ gear group interp joint jointinparent kv lengthrange name nsample refsite site slidersite tendon
+ user
    cylinder area armature bias class cranklength cranksite ctrllimited ctrlrange damping delay
+ diameter forcelimited forcerange gear group interp joint jointinparent lengthrange name nsample
+ refsite site slidersite tendon timeconst user
    muscle armature class cranklength cranksite ctrllimited ctrlrange damping delay force
+ forcelimited forcerange fpmax fvmax gear group interp joint jointinparent lengthrange lmax lmin
+ name nsample range scale slidersite tausmooth tendon timeconst user vmax
    adhesion body class ctrlrange delay forcelimited forcerange gain group interp name nsample
+ user
    dcmotor armature class cogging controller cranklength cranksite ctrllimited ctrlrange damping
+ delay gear group inductance input interp joint jointinparent lengthrange lugre motorconst name
+ nominal nsample refsite resistance saturation site slidersite tendon thermal user
    plugin actdim actearly actlimited actrange armature class cranklength cranksite ctrllimited
+ ctrlrange damping delay dynprm dyntype forcelimited forcerange gear group instance interp joint
+ jointinparent lengthrange name nsample plugin site slidersite tendon user
      config key value
  sensor
    touch cutoff delay interp interval name noise nsample site user
    accelerometer cutoff delay interp interval name noise nsample site user
    velocimeter cutoff delay interp interval name noise nsample site user
    gyro cutoff delay interp interval name noise nsample site user
    force cutoff delay interp interval name noise nsample site user
    torque cutoff delay interp interval name noise nsample site user
    magnetometer cutoff delay interp interval name noise nsample site user
    camprojection camera cutoff delay interp interval name noise nsample site user
    rangefinder camera cutoff data delay interp interval name noise nsample site user
    jointpos cutoff delay interp interval joint name noise nsample user
    jointvel cutoff delay interp interval joint name noise nsample user
    tendonpos cutoff delay interp interval name noise nsample tendon user
    tendonvel cutoff delay interp interval name noise nsample tendon user
    actuatorpos actuator cutoff delay interp interval name noise nsample user
    actuatorvel actuator cutoff delay interp interval name noise nsample user
    actuatorfrc actuator cutoff delay interp interval name noise nsample user
    jointactuatorfrc cutoff delay interp interval joint name noise nsample user
    tendonactuatorfrc cutoff delay interp interval name noise nsample tendon user
    ballquat cutoff delay interp interval joint name noise nsample user
    ballangvel cutoff delay interp interval joint name noise nsample user
    jointlimitpos cutoff delay interp interval joint name noise nsample user
    jointlimitvel cutoff delay interp interval joint name noise nsample user
    jointlimitfrc cutoff delay interp interval joint name noise nsample user
    tendonlimitpos cutoff delay interp interval name noise nsample tendon user
    tendonlimitvel cutoff delay interp interval name noise nsample tendon user
    tendonlimitfrc cutoff delay interp interval name noise nsample tendon user
    framepos cutoff delay interp interval name noise nsample objname objtype refname reftype user
    framequat cutoff delay interp interval name noise nsample objname objtype refname reftype user
    framexaxis cutoff delay interp interval name noise nsample objname objtype refname reftype
+ user
    frameyaxis cutoff delay interp interval name noise nsample objname objtype refname reftype
+ user
    framezaxis cutoff delay interp interval name noise nsample objname objtype refname reftype
+ user
    framelinvel cutoff delay interp interval name noise nsample objname objtype refname reftype
+ user
    frameangvel cutoff delay interp interval name noise nsample objname objtype refname reftype
+ user
    framelinacc cutoff delay interp interval name noise nsample objname objtype user
    frameangacc cutoff delay interp interval name noise nsample objname objtype user
    subtreecom body cutoff delay interp interval name noise nsample user
    subtreelinvel body cutoff delay interp interval name noise nsample user
    subtreeangmom body cutoff delay interp interval name noise nsample user
    insidesite cutoff delay enclosed interp interval name noise nsample objname objtype site user
    distance body1 body2 cutoff delay geom1 geom2 interp interval name noise nsample user
    normal body1 body2 cutoff delay geom1 geom2 interp interval name noise nsample user
    fromto body1 body2 cutoff delay geom1 geom2 interp interval name noise nsample user
    contact body1 body2 cutoff data delay geom1 geom2 interp interval name noise nsample num
+ reduce site subtree1 subtree2 user
    e_potential cutoff delay interp interval name noise nsample user
    e_kinetic cutoff delay interp interval name noise nsample user
    clock cutoff delay interp interval name noise nsample user
    tactile cutoff delay geom interp interval mesh name nsample user
    user cutoff datatype dim name needstage noise objname objtype user
    plugin cutoff instance name objname objtype plugin refname reftype user
      config key value
  custom
    numeric data name size
    text data name
    tuple name
      element objname objtype prm
  keyframe
    key act ctrl mpos mquat name plastic qpos qvel time
)";

}  // namespace

const std::array<Schema, 3>& Schemas() {
  static const std::array<Schema, 3> schemas{
      {{"2.3.7", k2_3_7}, {"3.2.3", k3_2_3}, {"4.0.1", k4_0_1}}};
  return schemas;
}

}  // namespace understudy::mjcf
